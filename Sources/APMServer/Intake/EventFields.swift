import Common
import Glibc

/// One value of an event: what it is and where it stands in the event's line.
struct FieldValue: Equatable {
    enum Kind: UInt8 {
        /// Not sent, or null.
        case absent
        /// A string whose bytes are its value.
        case string
        /// A string with at least one escape.
        case escapedString
        case number
        case `true`, `false`
        case object, array
    }

    var kind = Kind.absent
    /// First byte: of strings the one behind the quote.
    var start: UInt32 = 0
    /// Behind the last byte: of strings the closing quote.
    var end: UInt32 = 0

    static let absent = FieldValue()

    @inline(__always) var isGiven: Bool { kind != .absent }
    @inline(__always) var isString: Bool { kind == .string || kind == .escapedString }
    @inline(__always) var range: Range<Int> { Int(start)..<Int(end) }
    /// Whether there are no characters: absent, or an empty string, as good as absent in most documents.
    @inline(__always) var isEmpty: Bool { start == end }
    /// Whether it is a string with characters.
    @inline(__always) var hasText: Bool { isString && !isEmpty }
}

/// The values of one decoded object, by field.
///
/// Reused from event to event; the line they stand in is an argument wherever they are read.
struct EventFields {
    private var values: [FieldValue]

    init() {
        values = Array(repeating: .absent, count: Field.allCases.count)
    }

    @inline(__always)
    subscript(field: Field) -> FieldValue {
        get { values[Int(field.rawValue)] }
        set { values[Int(field.rawValue)] = newValue }
    }

    /// Sets all fields to absent: two kilobytes of zeros, cheaper than remembering which were set.
    mutating func removeAll() {
        values.withUnsafeMutableBytes { bytes in
            if let base = bytes.baseAddress { memset(base, 0, bytes.count) }
        }
    }

    /// Whether any of `fields` was sent.
    @inline(__always)
    func hasAny(_ fields: Field...) -> Bool { fields.contains { self[$0].isGiven } }

    /// Whether a string was sent that is not empty.
    @inline(__always)
    func hasText(_ field: Field) -> Bool { self[field].hasText }

    /// The values by `Field.rawValue`, for the decoder: one check of ownership per line instead of one per value.
    @inline(__always)
    mutating func withValues<E: Error>(
        _ body: (UnsafeMutablePointer<FieldValue>) throws(E) -> Void
    ) throws(E) {
        try values.withUnsafeMutableBufferPointer { (buffer) throws(E) in
            guard let base = buffer.baseAddress else { return }
            try body(base)
        }
    }
}
