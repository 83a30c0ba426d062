import Common

/// Writing the lines of an intake stream from the parts of an OTLP request.
extension ByteBuffer {
    /// A string member, cut to `limit` code points; nothing when it is empty.
    mutating func member(
        _ key: StaticString,
        _ text: Range<Int>,
        _ bytes: RawSpan,
        limit: Int = TextLimit.keyword
    ) {
        guard !text.isEmpty else { return }
        self.key(key)
        append(quoted: text, bytes, limit: limit)
    }

    /// A member whose value is a literal.
    mutating func member(_ key: StaticString, literal value: StaticString) {
        self.key(key)
        append(value)
    }

    /// A member in hexadecimal, for trace and span ids; nothing when there is none.
    mutating func member(_ key: StaticString, id: Range<Int>, _ bytes: RawSpan) {
        guard !id.isEmpty else { return }
        self.key(key)
        append(UInt8(ascii: "\""))
        for index in id {
            append(Hexadecimal.lowerCase(bytes[index] >> 4))
            append(Hexadecimal.lowerCase(bytes[index] & 15))
        }
        append(UInt8(ascii: "\""))
    }

    /// A time in microseconds, from nanoseconds since 1970; nothing when it is absent (0) or beyond what 63 bits count.
    mutating func member(_ key: StaticString, nanoseconds: UInt64) {
        guard nanoseconds > 0, let value = Int64(exactly: nanoseconds) else { return }
        self.key(key)
        append(decimal: value / 1000)
    }

    /// A duration in milliseconds with all of its nanoseconds: `12.345678`.
    mutating func append(milliseconds nanoseconds: UInt64) {
        append(decimal: Int64(nanoseconds / 1_000_000))
        append(UInt8(ascii: "."))
        append(decimal: Int(nanoseconds % 1_000_000), width: 6)
    }

    /// A JSON string of `bytes[text]`, cut to `limit` code points.
    mutating func append(quoted text: Range<Int>, _ bytes: RawSpan, limit: Int = .max) {
        append(UInt8(ascii: "\""))
        append(jsonEscaped: bytes, bytes.cut(text, to: limit))
        append(UInt8(ascii: "\""))
    }

    /// A number as JSON; what JSON has no number for (NaN, infinities) as a string.
    mutating func append(double value: Double) {
        if value.isFinite {
            append(number: value)
        } else {
            append(value.isNaN ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\"")
        }
    }
}

/// Attributes and labels.
extension ByteBuffer {
    /// Begins a member with a key from outside.
    mutating func key(_ key: Range<Int>, _ bytes: RawSpan) {
        separate()
        append(quoted: key, bytes)
        append(UInt8(ascii: ":"))
    }

    /// A member of the intake's `otel.attributes`: lists of plain values stay lists, what is nested deeper becomes
    /// JSON in a string, bytes become base64.
    mutating func member(_ attribute: OTLPAttribute, _ bytes: RawSpan) {
        key(attribute.key, bytes)
        if case .array = attribute.value, attribute.value.isPlainList(bytes) {
            append(json: attribute.value, bytes)
        } else {
            append(scalar: attribute.value, bytes, limit: .max)
        }
    }

    /// A label: a string, number or truth, and anything else as JSON in a string.
    mutating func label(_ attribute: OTLPAttribute, _ bytes: RawSpan) {
        key(attribute.key, bytes)
        append(scalar: attribute.value, bytes, limit: TextLimit.keyword)
    }

    /// A value with lists and maps as JSON in a string; strings are cut to `limit` code points.
    mutating func append(scalar value: OTLPValue, _ bytes: RawSpan, limit: Int) {
        switch value {
        case .string(let range): append(quoted: range, bytes, limit: limit)
        case .array, .map:
            var json = ByteBuffer(capacity: 256)
            json.append(json: value, bytes)
            json.withSpan { append(quoted: 0..<$0.byteCount, $0, limit: limit) }
        case .bytes(let range):
            var base64 = ByteBuffer(capacity: 256)
            base64.append(base64: bytes, range)
            base64.withSpan { append(quoted: 0..<$0.byteCount, $0, limit: limit) }
        default: append(json: value, bytes)
        }
    }

    /// A value as JSON, as deep as it is: `OTLPMessage.check` has bounded that.
    mutating func append(json value: OTLPValue, _ bytes: RawSpan) {
        switch value {
        case .none: append("null" as StaticString)
        case .string(let range): append(quoted: range, bytes)
        case .bool(let value): append(value ? "true" as StaticString : "false")
        case .int(let value): append(decimal: value)
        case .double(let value): append(double: value)
        case .bytes(let range):
            append(UInt8(ascii: "\""))
            append(base64: bytes, range)
            append(UInt8(ascii: "\""))
        case .array(let range):
            append(UInt8(ascii: "["))
            var elements = OTLPElements(1, of: range)
            while let element = elements.next(bytes) {
                separate()
                append(json: OTLPValue(bytes, element), bytes)
            }
            append(UInt8(ascii: "]"))
        case .map(let range):
            append(UInt8(ascii: "{"))
            var elements = OTLPElements(1, of: range)
            while let element = elements.next(bytes) {
                let attribute = OTLPAttribute(bytes, element)
                key(attribute.key, bytes)
                append(json: attribute.value, bytes)
            }
            append(UInt8(ascii: "}"))
        }
    }
}
