import Common

/// Rewrites OTLP in JSON as the protobuf message that it stands for, which is then read like any other.
///
/// The mapping is that of Protocol Buffers with OTLP's exception: trace and span ids are hexadecimal. Taken are keys
/// in lowerCamelCase and snake_case, numbers as such or in strings, enumerations as numbers or names; unknown keys
/// and nulls are skipped. Source: OTLP specification 1.x, "JSON Protobuf Encoding".
struct OTLPJSONReader {
    private var reader = JSONReader()

    /// Appends the protobuf encoding of `bytes`, which is at most six times as long.
    mutating func transcode(
        _ message: OTLPMessage,
        _ bytes: RawSpan,
        into output: inout ByteBuffer
    ) throws(OTLPError) {
        reader = JSONReader()
        do {
            try object(message, bytes, &output, depth: 0)
            try reader.end(bytes)
        } catch let error as JSONError {
            throw .json(error)
        } catch let error as OTLPError {
            throw error
        } catch {
            fatalError("OTLP in JSON: unexpected \(error)")
        }
    }

    private mutating func object(
        _ message: OTLPMessage,
        _ bytes: RawSpan,
        _ output: inout ByteBuffer,
        depth: Int
    ) throws {
        guard depth < OTLPMessage.maxDepth else { throw OTLPError.tooDeep(offset: reader.offset) }
        try reader.beginObject(bytes)
        var isFirst = true
        while let key = try reader.nextKey(bytes, isFirst: &isFirst) {
            guard let field = message.field(named: key.range, bytes), try reader.kind(bytes) != .null else {
                _ = try reader.value(bytes)
                continue
            }
            guard try reader.kind(bytes) == .array else {
                try value(field, bytes, &output, depth: depth)
                continue
            }
            try reader.beginArray(bytes)
            var isFirstElement = true
            while try reader.nextElement(bytes, isFirst: &isFirstElement) {
                try value(field, bytes, &output, depth: depth)
            }
        }
    }

    private mutating func value(
        _ field: OTLPMessage.Field,
        _ bytes: RawSpan,
        _ output: inout ByteBuffer,
        depth: Int
    ) throws {
        if case .message(let message) = field.kind {
            let mark = output.openProtobuf(field.number)
            try object(message, bytes, &output, depth: depth + 1)
            output.closeProtobuf(mark)
            return
        }
        if field.kind.wireType == .bytes {
            let mark = output.openProtobuf(field.number)
            try text(field, bytes, &output)
            output.closeProtobuf(mark)
            return
        }
        let bits = try number(field, bytes)
        output.append(protobufTag: field.number, field.kind.wireType)
        switch field.kind.wireType {
        case .fixed64: output.append(protobufFixed64: bits)
        default: output.append(varint: bits)
        }
    }

    private mutating func text(
        _ field: OTLPMessage.Field,
        _ bytes: RawSpan,
        _ output: inout ByteBuffer
    ) throws {
        guard try reader.kind(bytes) == .string else { throw wrong(field) }
        let text = try reader.string(bytes)
        if field.kind == .string {
            output.append(unescaped: text, of: bytes)
            return
        }
        var plain = ByteBuffer(capacity: text.range.count)
        plain.append(unescaped: text, of: bytes)
        let isValid = plain.withSpan { plain in
            field.kind == .id ? output.append(hexadecimal: plain) : output.append(decodedBase64: plain)
        }
        guard isValid else { throw wrong(field) }
    }

    /// The bits of a number, truth or enumeration as its field has them on the wire.
    private mutating func number(_ field: OTLPMessage.Field, _ bytes: RawSpan) throws -> UInt64 {
        let kind = try reader.kind(bytes)
        var range: Range<Int>
        switch kind {
        case .number: range = try reader.value(bytes)
        case .string: range = try reader.string(bytes).range
        case .bool where field.kind == .bool:
            range = try reader.value(bytes)
            return bytes[range.lowerBound] == UInt8(ascii: "t") ? 1 : 0
        default: throw wrong(field)
        }
        switch field.kind {
        case .double, .doubleList:
            guard let value = Self.double(bytes, range) else { throw wrong(field) }
            return value.bitPattern
        case .enumeration where kind == .string && Decimal.integer(bytes, range) == nil:
            guard let value = OTLPEnumeration.number(bytes.text(range)) else { throw wrong(field) }
            return value
        case .bool: throw wrong(field)
        default: break
        }
        guard let value = Self.integer(bytes, range) else { throw wrong(field) }
        guard field.kind == .zigzag else { return value }
        let signed = Int64(bitPattern: value)
        return UInt64(bitPattern: signed << 1 ^ signed >> 63)
    }

    private func wrong(_ field: OTLPMessage.Field) -> OTLPError {
        .value(field: "\(field.name)", offset: reader.offset)
    }

    /// Any whole number of 64 bits, signed or not; also one with a fraction of zeros or an exponent.
    private static func integer(_ bytes: RawSpan, _ range: Range<Int>) -> UInt64? {
        if let value = Decimal.integer(bytes, range) { return UInt64(bitPattern: value) }
        guard range.count <= 64 else { return nil }
        let text = bytes.text(range)
        if let value = UInt64(text) { return value }
        guard let double = Double(text) else { return nil }
        return UInt64(exactly: double) ?? Int64(exactly: double).map { UInt64(bitPattern: $0) }
    }

    private static func double(_ bytes: RawSpan, _ range: Range<Int>) -> Double? {
        if bytes.equals("NaN", range) { return .nan }
        if bytes.equals("Infinity", range) { return .infinity }
        if bytes.equals("-Infinity", range) { return -.infinity }
        return Double(bytes.text(range))
    }
}

extension OTLPMessage {
    /// The field whose JSON name that is, in lowerCamelCase or snake_case.
    fileprivate func field(named key: Range<Int>, _ bytes: RawSpan) -> Field? {
        fields.first { Self.isSame($0.name, key, bytes) }
    }

    /// Whether `key` is `name`, or `name` with `_` and a small letter for each capital.
    private static func isSame(_ name: StaticString, _ key: Range<Int>, _ bytes: RawSpan) -> Bool {
        var index = key.lowerBound
        for offset in 0..<name.utf8CodeUnitCount {
            let expected = name.utf8Start[offset]
            guard index < key.upperBound else { return false }
            if (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(expected), bytes[index] == UInt8(ascii: "_") {
                guard index + 1 < key.upperBound, bytes[index + 1] == expected | 0x20 else { return false }
                index += 2
            } else {
                guard bytes[index] == expected else { return false }
                index += 1
            }
        }
        return index == key.upperBound
    }
}

/// Enumerations by name, which OTLP forbids and some senders write nevertheless.
enum OTLPEnumeration {
    static func number(_ name: String) -> UInt64? {
        if let number = numbers[name] { return number }
        let levels = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"]
        for (index, level) in levels.enumerated() where name.hasPrefix("SEVERITY_NUMBER_" + level) {
            let grade = name.dropFirst("SEVERITY_NUMBER_".count + level.count)
            guard let grade = grade.isEmpty ? 1 : UInt64(grade), (1...4).contains(grade) else { return nil }
            return UInt64(4 * index) + grade
        }
        return nil
    }

    private static let numbers: [String: UInt64] = [
        "SPAN_KIND_UNSPECIFIED": 0, "SPAN_KIND_INTERNAL": 1, "SPAN_KIND_SERVER": 2, "SPAN_KIND_CLIENT": 3,
        "SPAN_KIND_PRODUCER": 4, "SPAN_KIND_CONSUMER": 5,
        "STATUS_CODE_UNSET": 0, "STATUS_CODE_OK": 1, "STATUS_CODE_ERROR": 2,
        "SEVERITY_NUMBER_UNSPECIFIED": 0,
    ]
}

extension ByteBuffer {
    /// Appends the bytes that pairs of hexadecimal digits say; false when they are not such.
    fileprivate mutating func append(hexadecimal text: RawSpan) -> Bool {
        guard text.byteCount % 2 == 0 else { return false }
        for index in stride(from: 0, to: text.byteCount, by: 2) {
            guard let high = Hexadecimal.value(text[index]), let low = Hexadecimal.value(text[index + 1])
            else {
                return false
            }
            append(high << 4 | low)
        }
        return true
    }

    /// Appends the bytes that base64 says, of either alphabet, with or without padding; false when it is not such.
    fileprivate mutating func append(decodedBase64 text: RawSpan) -> Bool {
        var end = text.byteCount
        while end > 0, text[end - 1] == UInt8(ascii: "=") { end -= 1 }
        var bits: UInt32 = 0
        var count = 0
        for index in 0..<end {
            guard let digit = Self.base64Value(text[index]) else { return false }
            bits = bits << 6 | UInt32(digit)
            count += 6
            guard count >= 8 else { continue }
            count -= 8
            append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
        }
        return end % 4 != 1
    }

    private static func base64Value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): digit - 65
        case UInt8(ascii: "a")...UInt8(ascii: "z"): digit - 71
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit + 4
        case UInt8(ascii: "+"), UInt8(ascii: "-"): 62
        case UInt8(ascii: "/"), UInt8(ascii: "_"): 63
        default: nil
        }
    }
}
