import Common

/// Makes texts lower case: `- lowercase: {fields: [http.request.method]}`.
struct LowercasePlan: FilterPlan {
    private let fields: [FieldPath]

    init(_ reader: ConfigurationReader) { fields = reader.textFields }

    func filter(_ workplace: FilterWorkplace) -> any Filter { CaseFilter(fields, isUpper: false) }
}

/// Makes texts upper case: `- uppercase: {fields: [country]}`.
struct UppercasePlan: FilterPlan {
    private let fields: [FieldPath]

    init(_ reader: ConfigurationReader) { fields = reader.textFields }

    func filter(_ workplace: FilterWorkplace) -> any Filter { CaseFilter(fields, isUpper: true) }
}

/// By Unicode's rules, which no locale changes.
private final class CaseFilter: Filter {
    private let fields: [FieldPath]
    private let isUpper: Bool
    private let editor = TextEditor()

    init(_ fields: [FieldPath], isUpper: Bool) {
        self.fields = fields
        self.isUpper = isUpper
    }

    func apply(to record: Record) throws(FilterFailure) -> FilterOutcome {
        for field in fields {
            try editor.edit(field, of: record) { text, output throws(FilterFailure) in change(text, &output) }
        }
        return .next
    }

    private func change(_ text: RawSpan, _ output: inout ByteBuffer) -> Bool {
        let first: UInt8 = isUpper ? UInt8(ascii: "a") : UInt8(ascii: "A")
        var isChanged = false
        for index in 0..<text.byteCount {
            let byte = text[index]
            guard byte < 0x80 else {
                output.removeAll()
                let whole = text.text(0..<text.byteCount)
                output.append(isUpper ? whole.uppercased() : whole.lowercased())
                return true
            }
            let isOther = byte &- first < 26
            if isOther { isChanged = true }
            output.append(isOther ? byte ^ 0x20 : byte)
        }
        return isChanged
    }
}

extension ConfigurationReader {
    /// The fields under `fields`, of which there must be one.
    var textFields: [FieldPath] {
        let fields = paths("fields")
        if fields.isEmpty { problem("fields", "is missing; list the fields to change") }
        return fields
    }
}
