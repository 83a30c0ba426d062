import Common

/// Sets fields to values, or to texts made from other fields.
///
///     - set:
///         fields: {service.name: shop, labels.day: "%{+yyyy-MM-dd}", http.response.status_code: 200}
///         override: false      keep what is there
struct SetPlan: FilterPlan {
    fileprivate enum Value: Sendable {
        case text(FieldText)
        case json([UInt8])
    }

    fileprivate let fields: [(path: FieldPath, value: Value)]
    fileprivate let overrides: Bool

    init(_ reader: ConfigurationReader) {
        fields = reader.leaves("fields").compactMap { leaf in
            guard let path = reader.path(leaf.name, of: "fields"),
                let value = Self.value(leaf.value, reader)
            else { return nil }
            return (path, value)
        }
        if fields.isEmpty { reader.problem("fields", "is missing; write fields: {name: value}") }
        overrides = reader.bool("override", default: true)
    }

    func filter(_ workplace: FilterWorkplace) -> any Filter { SetFilter(plan: self) }

    private static func value(_ value: ConfigurationReader.Leaf.Value, _ reader: ConfigurationReader)
        -> Value?
    {
        guard case .scalar(let text, let json) = value, json.first == UInt8(ascii: "\"") else {
            return .json(value.json)
        }
        do throws(FieldTextError) {
            return .text(try FieldText(text))
        } catch {
            reader.problem("fields", "\(error)")
            return nil
        }
    }
}

private final class SetFilter: Filter {
    private let plan: SetPlan
    private var text = ByteBuffer()

    init(plan: SetPlan) { self.plan = plan }

    func apply(to record: Record) throws(FilterFailure) -> FilterOutcome {
        for (path, value) in plan.fields where plan.overrides || record.find(path) == nil {
            switch value {
            case .text(let template):
                text.removeAll()
                template.append(record, to: &text)
                try text.withSpan { bytes throws(FilterFailure) in
                    try record.set(path, text: bytes, 0..<bytes.byteCount)
                }
            case .json(let json): try record.set(path, json: json.span.bytes, 0..<json.count)
            }
        }
        return .next
    }
}
