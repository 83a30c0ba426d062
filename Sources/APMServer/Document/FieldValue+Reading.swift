import Common
import Glibc

extension FieldValue {
    /// Whether this is the string `text`, however it is escaped.
    func equals(_ text: StaticString, _ line: RawSpan) -> Bool {
        switch kind {
        case .string: return line.equals(text, range)
        case .escapedString:
            var value = ByteBuffer(capacity: range.count)
            value.append(unescaped: self, line)
            return value.withSpan { $0.equals(text, 0..<$0.byteCount) }
        default: return false
        }
    }

    /// The whole number that this value spells, as a number or as a string of digits.
    func integer(_ line: RawSpan) -> Int64? {
        guard kind == .number || kind == .string else { return nil }
        return Decimal.integer(line, range)
    }

    /// The number; nil for anything else.
    func double(_ line: RawSpan) -> Double? {
        guard kind == .number else { return nil }
        return Self.shortDecimal(line, range) ?? Self.anyNumber(line, range)
    }

    /// Powers of ten that a double holds exactly.
    private static let powersOfTen: [Double] = [
        1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17,
    ]

    /// A number without exponent and with so few digits that one division rounds it right.
    ///
    /// Source: Clinger, "How to read floating point numbers accurately" (1990), the fast path.
    private static func shortDecimal(_ line: RawSpan, _ range: Range<Int>) -> Double? {
        guard range.count <= 17 else { return nil }
        var index = range.lowerBound
        let negative = line[index] == UInt8(ascii: "-")
        if negative { index += 1 }
        var value: UInt64 = 0
        var decimals = 0
        var isBehindPoint = false
        while index < range.upperBound {
            let byte = line[index]
            index += 1
            if byte == UInt8(ascii: ".") {
                isBehindPoint = true
                continue
            }
            let digit = byte &- 48
            guard digit < 10 else { return nil }
            value = value &* 10
            value = value &+ UInt64(digit)
            if isBehindPoint { decimals += 1 }
        }
        guard value < 1 << 53 else { return nil }
        let result = Double(value) / powersOfTen[decimals]
        return negative ? -result : result
    }

    private static func anyNumber(_ line: RawSpan, _ range: Range<Int>) -> Double? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: range.count + 1) { text in
            for index in range { text[index - range.lowerBound] = CChar(bitPattern: line[index]) }
            text[range.count] = 0
            guard let start = text.baseAddress else { return nil }
            return strtod(start, nil)
        }
    }
}

extension ByteBuffer {
    /// Appends the value of a string, its escapes resolved.
    @inline(__always)
    mutating func append(unescaped value: FieldValue, _ line: RawSpan) {
        append(
            unescaped: JSONReader.Text(range: value.range, hasEscapes: value.kind == .escapedString),
            of: line
        )
    }

    /// Appends a whole or fractional number as JSON; nothing that JSON cannot hold may be given.
    ///
    /// Allocates for numbers of many digits.
    mutating func append(number: Double) {
        if number == number.rounded(), abs(number) < 1e15 {
            append(decimal: Int64(number))
        } else {
            append("\(number)")
        }
    }

    /// A member whose value is the string, or the number as a string; nothing when it is absent or empty.
    @inline(__always)
    mutating func textMember(_ key: StaticString, _ value: FieldValue, _ line: RawSpan) {
        guard value.kind == .number else {
            member(key, value, line)
            return
        }
        self.key(key)
        append(UInt8(ascii: "\""))
        append(line, value.range)
        append(UInt8(ascii: "\""))
    }

    /// A member whose value is a whole number.
    @inline(__always)
    mutating func member(_ key: StaticString, _ value: Int64) {
        self.key(key)
        append(decimal: value)
    }
}

extension ByteBuffer {
    /// A member whose value is the array as it stands in the line; nothing when it is absent or has no elements.
    mutating func listMember(_ key: StaticString, _ value: FieldValue, _ line: RawSpan) {
        var reader = MemberReader(value)
        guard reader.element(line) != nil else { return }
        member(key, value, line)
    }
}
