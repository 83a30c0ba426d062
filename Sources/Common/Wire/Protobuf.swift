/// Why bytes are not a protobuf message, and where.
package struct ProtobufError: Error, Equatable, CustomStringConvertible {
    package enum Reason: String, Sendable {
        case unexpectedEnd = "message ends inside a field"
        case badVarint = "varint of more than 64 bits"
        case badTag = "bad field tag"
        case unexpectedGroupEnd = "end of a group that did not begin"
    }
    package let reason: Reason
    /// Byte offset into the text.
    package let offset: Int

    package init(_ reason: Reason, at offset: Int) {
        self.reason = reason
        self.offset = offset
    }

    package var description: String { "\(reason.rawValue) at byte \(offset)" }
}

/// One field of a protobuf message, as it stands on the wire.
///
///     varint( number << 3 | wire type ) then
///     0 varint | 1 eight bytes | 2 varint(length) bytes | 5 four bytes
///
/// Fixed-size integers are little-endian. Source: Protocol Buffers, "Encoding".
package struct ProtobufField: Equatable, Sendable {
    package enum WireType: UInt8, Sendable {
        case varint = 0
        case fixed64 = 1
        case bytes = 2
        case fixed32 = 5
    }

    package let number: Int
    package let type: WireType
    /// The value of a varint or a fixed-size field; 0 for bytes.
    package let bits: UInt64
    /// Where the value's bytes stand: of strings, bytes, messages and packed lists what follows their length.
    package let range: Range<Int>

    /// The value of a `double` field.
    package var double: Double { Double(bitPattern: bits) }
    /// The value of an `int32`, `int64`, `sfixed64` or enumeration field.
    package var int: Int64 { Int64(bitPattern: bits) }
    /// The value of a `sint32` or `sint64` field: 0, -1, 1, -2 … on the wire as 0, 1, 2, 3 ….
    package var zigzag: Int64 { Int64(bitPattern: bits >> 1) ^ -Int64(bitPattern: bits & 1) }
}

/// A pull reader of one protobuf message: it holds an offset, the bytes are an argument.
///
/// Nothing is allocated and no declared length is trusted: a field must lie inside the message's range. Groups, long
/// deprecated, are stepped over. Messages inside are ranges, read by a reader of their own.
package struct ProtobufReader {
    /// Next byte to read.
    package private(set) var offset: Int
    private let end: Int

    /// - Parameter range: of the message inside the bytes that are given to `next`.
    package init(_ range: Range<Int>) {
        offset = range.lowerBound
        end = range.upperBound
    }

    /// The next field; nil at the end of the message.
    package mutating func next(_ bytes: RawSpan) throws(ProtobufError) -> ProtobufField? {
        /// Groups that began and did not end yet: what stands in them is skipped.
        var groups = 0
        while offset < end {
            let start = offset
            let tag = try varint(bytes)
            let number = Int(truncatingIfNeeded: tag >> 3)
            guard number > 0, tag >> 32 == 0 else { throw ProtobufError(.badTag, at: start) }
            switch tag & 7 {
            case 3: groups += 1
            case 4:
                guard groups > 0 else { throw ProtobufError(.unexpectedGroupEnd, at: start) }
                groups -= 1
            case let type:
                guard let type = ProtobufField.WireType(rawValue: UInt8(type)) else {
                    throw ProtobufError(.badTag, at: start)
                }
                let field = try value(number, type, bytes)
                if groups == 0 { return field }
            }
        }
        guard groups == 0 else { throw ProtobufError(.unexpectedEnd, at: offset) }
        return nil
    }

    /// The next number of a packed list of varints; nil at its end.
    package mutating func nextPackedVarint(_ bytes: RawSpan) throws(ProtobufError) -> UInt64? {
        offset < end ? try varint(bytes) : nil
    }

    /// The next number of a packed list of eight bytes each; nil when less than eight are left.
    package mutating func nextPackedFixed64(_ bytes: RawSpan) -> UInt64? {
        guard end - offset >= 8 else { return nil }
        defer { offset += 8 }
        return UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    private mutating func value(
        _ number: Int,
        _ type: ProtobufField.WireType,
        _ bytes: RawSpan
    ) throws(ProtobufError) -> ProtobufField {
        let start = offset
        var bits: UInt64 = 0
        switch type {
        case .varint:
            bits = try varint(bytes)
            return ProtobufField(number: number, type: type, bits: bits, range: start..<offset)
        case .fixed64:
            guard end - offset >= 8 else { throw ProtobufError(.unexpectedEnd, at: offset) }
            bits = UInt64(
                littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
            )
            offset += 8
            return ProtobufField(number: number, type: type, bits: bits, range: start..<offset)
        case .fixed32:
            guard end - offset >= 4 else { throw ProtobufError(.unexpectedEnd, at: offset) }
            bits = UInt64(
                UInt32(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
            )
            offset += 4
            return ProtobufField(number: number, type: type, bits: bits, range: start..<offset)
        case .bytes:
            let length = try varint(bytes)
            guard length <= UInt64(end - offset) else { throw ProtobufError(.unexpectedEnd, at: start) }
            let first = offset
            offset += Int(length)
            return ProtobufField(number: number, type: type, bits: 0, range: first..<offset)
        }
    }

    @inline(__always)
    private mutating func varint(_ bytes: RawSpan) throws(ProtobufError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        let start = offset
        while offset < end {
            let byte = bytes[offset]
            offset += 1
            // The tenth byte holds the 64th bit and no more.
            guard shift < 63 || byte <= 1 else { throw ProtobufError(.badVarint, at: start) }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        throw ProtobufError(.unexpectedEnd, at: start)
    }
}

/// Writing protobuf messages.
extension ByteBuffer {
    /// Bytes that stand for a message's length until it is known: a varint of five bytes can say any length below
    /// 2^35, and leading zeros are legal.
    private static let lengthBytes = 5

    package mutating func append(varint value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(truncatingIfNeeded: rest))
    }

    package mutating func append(protobufTag number: Int, _ type: ProtobufField.WireType) {
        append(varint: UInt64(number) << 3 | UInt64(type.rawValue))
    }

    package mutating func append(protobufFixed64 bits: UInt64) {
        append(reserving: 8) { free in
            free.storeBytes(of: bits.littleEndian, as: UInt64.self)
            return 8
        }
    }

    package mutating func append(protobufFixed32 bits: UInt32) {
        append(reserving: 4) { free in
            free.storeBytes(of: bits.littleEndian, as: UInt32.self)
            return 4
        }
    }

    /// Begins a string, a message or a packed list; give the answer to `closeProtobuf`.
    package mutating func openProtobuf(_ number: Int) -> Int {
        append(protobufTag: number, .bytes)
        for _ in 0..<Self.lengthBytes { append(0 as UInt8) }
        return count
    }

    /// Ends what `openProtobuf` began, by writing its length.
    package mutating func closeProtobuf(_ mark: Int) {
        var rest = UInt64(count - mark)
        for index in mark - Self.lengthBytes..<mark {
            let isLast = index == mark - 1
            self[index] = UInt8(truncatingIfNeeded: rest & 0x7F) | (isLast ? 0 : 0x80)
            rest >>= 7
        }
    }

    package mutating func append(protobufString text: String, _ number: Int) {
        let mark = openProtobuf(number)
        append(text)
        closeProtobuf(mark)
    }
}
