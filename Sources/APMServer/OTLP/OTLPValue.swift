import Common

/// The value of an attribute or the body of a log record, as ranges into the (checked) request.
enum OTLPValue {
    case none
    case string(Range<Int>)
    case bool(Bool)
    case int(Int64)
    case double(Double)
    /// The messages `ArrayValue` and `KeyValueList`.
    case array(Range<Int>)
    case map(Range<Int>)
    case bytes(Range<Int>)

    /// Reads an `AnyValue` message.
    init(_ bytes: RawSpan, _ range: Range<Int>) {
        self = .none
        var reader = ProtobufReader(range)
        while let field = reader.field(bytes) {
            switch field.number {
            case 1: self = .string(field.range)
            case 2: self = .bool(field.bits != 0)
            case 3: self = .int(field.int)
            case 4: self = .double(field.double)
            case 5: self = .array(field.range)
            case 6: self = .map(field.range)
            case 7: self = .bytes(field.range)
            default: break
            }
        }
    }

    var isGiven: Bool {
        if case .none = self { return false }
        return true
    }

    /// The text of a string; empty for anything else.
    var text: Range<Int> {
        if case .string(let range) = self { return range }
        return 0..<0
    }

    /// A whole number, also one that was sent as text.
    func integer(_ bytes: RawSpan) -> Int64? {
        switch self {
        case .int(let value): value
        case .double(let value): Int64(exactly: value)
        case .string(let range): Decimal.integer(bytes, range)
        default: nil
        }
    }

    /// A truth, also one that was sent as text (`true`, `True`).
    func isTrue(_ bytes: RawSpan) -> Bool {
        switch self {
        case .bool(let value): value
        case .string(let range): bytes.equals("true", range) || bytes.equals("True", range)
        default: false
        }
    }

    /// Whether this is a list of which each element is a string, a number or a truth.
    func isPlainList(_ bytes: RawSpan) -> Bool {
        guard case .array(let range) = self else { return false }
        var elements = OTLPElements(1, of: range)
        while let element = elements.next(bytes) {
            switch OTLPValue(bytes, element) {
            case .none, .array, .map: return false
            default: continue
            }
        }
        return true
    }
}

/// A `KeyValue` message.
struct OTLPAttribute {
    private(set) var key: Range<Int> = 0..<0
    private(set) var value = OTLPValue.none

    init(_ bytes: RawSpan, _ range: Range<Int>) {
        var reader = ProtobufReader(range)
        while let field = reader.field(bytes) {
            switch field.number {
            case 1: key = field.range
            case 2: value = OTLPValue(bytes, field.range)
            default: break
            }
        }
    }
}

/// The attributes of a message, in order; those without key or value say nothing and are left out.
struct OTLPAttributes {
    private var elements: OTLPElements

    /// - Parameter number: of the field that holds them.
    init(_ number: Int, of range: Range<Int>) { elements = OTLPElements(number, of: range) }

    mutating func next(_ bytes: RawSpan) -> OTLPAttribute? {
        while let range = elements.next(bytes) {
            let attribute = OTLPAttribute(bytes, range)
            if !attribute.key.isEmpty, attribute.value.isGiven { return attribute }
        }
        return nil
    }
}
