import Common

extension OTLPMessage {
    /// Checks that `bytes[range]` is this message, down to its last field.
    ///
    /// Done once for a whole body, before anything is taken from it: whoever reads a message afterwards (with
    /// `ProtobufReader.field`) need not expect errors, and a body is taken as a whole or not at all. Allocates nothing.
    func check(_ bytes: RawSpan, _ range: Range<Int>, depth: Int = 0) throws(OTLPError) {
        guard depth < Self.maxDepth else { throw .tooDeep(offset: range.lowerBound) }
        var reader = ProtobufReader(range)
        while let field = try reader.checked(bytes) {
            guard let kind = self.field(field.number)?.kind else { continue }
            if kind.isPackable, field.type == .bytes {
                try checkPacked(kind, bytes, field)
                continue
            }
            guard field.type == kind.wireType else {
                throw .fieldType(self, number: field.number, offset: field.range.lowerBound)
            }
            if case .message(let inner) = kind { try inner.check(bytes, field.range, depth: depth + 1) }
        }
    }

    private func checkPacked(_ kind: Kind, _ bytes: RawSpan, _ field: ProtobufField) throws(OTLPError) {
        guard kind == .varintList else {
            guard field.range.count % 8 == 0 else {
                throw .fieldType(self, number: field.number, offset: field.range.lowerBound)
            }
            return
        }
        var numbers = ProtobufReader(field.range)
        do throws(ProtobufError) {
            while try numbers.nextPackedVarint(bytes) != nil {}
        } catch {
            throw .protobuf(error)
        }
    }
}

extension ProtobufReader {
    fileprivate mutating func checked(_ bytes: RawSpan) throws(OTLPError) -> ProtobufField? {
        do throws(ProtobufError) {
            return try next(bytes)
        } catch {
            throw .protobuf(error)
        }
    }

    /// The next field of a message that `OTLPMessage.check` has passed, in which nothing can be wrong.
    mutating func field(_ bytes: RawSpan) -> ProtobufField? { try? next(bytes) }
}

/// The messages (or strings) of one repeated field, in order, of a message that was checked.
struct OTLPElements {
    private var reader: ProtobufReader
    private let number: Int

    init(_ number: Int, of range: Range<Int>) {
        self.number = number
        reader = ProtobufReader(range)
    }

    mutating func next(_ bytes: RawSpan) -> Range<Int>? {
        while let field = reader.field(bytes) {
            if field.number == number { return field.range }
        }
        return nil
    }
}

/// The numbers of one list field, packed or not, of a message that was checked.
struct OTLPNumbers {
    private var fields: ProtobufReader
    private var packed = ProtobufReader(0..<0)
    private let number: Int
    /// Eight bytes each; else varints.
    private let isFixed: Bool

    init(_ number: Int, of range: Range<Int>, isFixed: Bool) {
        self.number = number
        self.isFixed = isFixed
        fields = ProtobufReader(range)
    }

    mutating func next(_ bytes: RawSpan) -> UInt64? {
        while true {
            if let value = isFixed ? packed.nextPackedFixed64(bytes) : (try? packed.nextPackedVarint(bytes)) {
                return value
            }
            guard let field = fields.field(bytes) else { return nil }
            guard field.number == number else { continue }
            guard field.type == .bytes else { return field.bits }
            packed = ProtobufReader(field.range)
        }
    }
}
