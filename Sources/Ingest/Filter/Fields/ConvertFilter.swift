import Common

/// Gives values another type: `- convert: {fields: {bytes: integer, took: float}}`.
///
/// A list is converted element by element. A value that cannot be converted stays, and the event is tagged; a field
/// that is not there is passed over, and so is null.
struct ConvertPlan: FilterPlan {
    enum Target: String, CaseIterable, Sendable {
        case integer, float, string, boolean
        /// With points between thousands and a comma in front of the fraction.
        case integerEU = "integer_eu"
        case floatEU = "float_eu"
    }

    fileprivate let fields: [(path: FieldPath, target: Target)]

    init(_ reader: ConfigurationReader) {
        let leaves = reader.leaves("fields")
        if leaves.isEmpty { reader.problem("fields", "is missing; write fields: {name: integer}") }
        fields = leaves.compactMap { leaf in
            guard let path = reader.path(leaf.name, of: "fields") else { return nil }
            if case .scalar(let text, _) = leaf.value, let target = Target(rawValue: text) {
                return (path, target)
            }
            let choices = Target.allCases.map(\.rawValue).joined(separator: ", ")
            reader.problem("fields", "\(leaf.name): no such type; use one of: \(choices)")
            return nil
        }
    }

    func filter(_ workplace: FilterWorkplace) -> any Filter { ConvertFilter(plan: self) }
}

private final class ConvertFilter: Filter {
    /// Longer texts are no numbers.
    private static let maxNumberBytes = 400

    private let plan: ConvertPlan
    private var text = ByteBuffer()
    private var number = ByteBuffer()

    init(plan: ConvertPlan) { self.plan = plan }

    func apply(to record: Record) throws(FilterFailure) -> FilterOutcome {
        var failed: (path: FieldPath, target: ConvertPlan.Target)?
        for (path, target) in plan.fields {
            guard let node = record.find(path) else { continue }
            let nodes = record.kind(of: node) == .list ? record.children(of: node) : [node]
            for node in nodes where !convert(node, of: record, to: target) {
                failed = failed ?? (path, target)
            }
        }
        guard let failed else { return .next }
        throw FilterFailure(.convert, "\(failed.path.text) is no \(failed.target.rawValue)")
    }

    /// - Returns: false when the value has no counterpart of that type.
    private func convert(_ node: Record.Node, of record: Record, to target: ConvertPlan.Target) -> Bool {
        let kind = record.kind(of: node)
        if kind == .null { return true }
        guard record.copyText(of: node, into: &text) else { return false }
        switch target {
        case .string:
            if kind != .text { text.withSpan { record.replace(node, text: $0, 0..<$0.byteCount) } }
            return true
        case .boolean:
            guard let value = text.withSpan({ Self.boolean($0) }) else { return false }
            setJSON(value ? "true" : "false", value ? .yes : .no, node, record)
            return true
        case .integer, .integerEU:
            guard let value = integer(kind, isEU: target == .integerEU && kind == .text) else { return false }
            number.removeAll()
            number.append(decimal: value)
        case .float, .floatEU:
            guard let value = double(kind, isEU: target == .floatEU && kind == .text) else { return false }
            number.removeAll()
            number.append(number: value)
        }
        number.withSpan { record.replace(node, .number, json: $0, 0..<$0.byteCount) }
        return true
    }

    private func setJSON(_ json: StaticString, _ kind: Record.Kind, _ node: Record.Node, _ record: Record) {
        number.removeAll()
        number.append(json)
        number.withSpan { record.replace(node, kind, json: $0, 0..<$0.byteCount) }
    }

    /// As Logstash reads truth.
    private static func boolean(_ bytes: RawSpan) -> Bool? {
        guard bytes.byteCount <= 5 else { return nil }
        return switch bytes.text(0..<bytes.byteCount).lowercased() {
        case "true", "t", "yes", "y", "1", "1.0": true
        case "false", "f", "no", "n", "0", "0.0", "": false
        default: nil
        }
    }

    private func integer(_ kind: Record.Kind, isEU: Bool) -> Int64? {
        if kind == .yes || kind == .no { return kind == .yes ? 1 : 0 }
        guard plainNumber(isEU: isEU) else { return nil }
        if let exact = number.withSpan({ Decimal.integer($0, 0..<$0.byteCount) }) { return exact }
        guard let value = Double(number.text)?.rounded(.towardZero) else { return nil }
        return Int64(exactly: value)
    }

    private func double(_ kind: Record.Kind, isEU: Bool) -> Double? {
        if kind == .yes || kind == .no { return kind == .yes ? 1 : 0 }
        guard plainNumber(isEU: isEU), let value = Double(number.text), value.isFinite else { return nil }
        return value
    }

    /// Fills `number` with `text` without blanks around it and without marks between thousands.
    ///
    /// - Returns: false when there are other bytes in it than numbers have.
    private func plainNumber(isEU: Bool) -> Bool {
        let (group, point): (UInt8, UInt8) =
            isEU
            ? (UInt8(ascii: "."), UInt8(ascii: ",")) : (UInt8(ascii: ","), UInt8(ascii: "."))
        number.removeAll()
        return text.withSpan { bytes in
            let range = bytes.trimmed(0..<bytes.byteCount)
            guard (1...Self.maxNumberBytes).contains(range.count) else { return false }
            for index in range {
                let byte = bytes[index]
                switch byte {
                case group: continue
                case point: number.append(UInt8(ascii: "."))
                case UInt8(ascii: "+") where index == range.lowerBound: continue
                case 48...57, UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "e"), UInt8(ascii: "E"):
                    number.append(byte)
                default: return false
                }
            }
            return !number.isEmpty
        }
    }
}
