import Common
import Glibc

/// What a value says.
///
/// `line` is the line that was decoded; nothing is allocated unless said.
extension FieldValue {
    /// The text between the quotes, as `JSONReader` reads it; of other values their JSON.
    @inline(__always)
    var text: JSONReader.Text { JSONReader.Text(range: range, hasEscapes: kind == .escapedString) }

    /// Nil unless it is true or false.
    @inline(__always)
    var bool: Bool? { kind == .true ? true : kind == .false ? false : nil }

    /// A whole number, also one sent as a string of digits (`url.port`); nil for anything else.
    @inline(__always)
    func integer(_ line: RawSpan) -> Int64? {
        guard kind == .number || kind == .string else { return nil }
        return Decimal.integer(line, range)
    }

    /// A number times 10^`scale`, exact, further digits cut off (`10.43` of scale 6 is 10430000).
    ///
    /// Numbers with an exponent, which agents do not send, go through a Double.
    ///
    /// - Returns: nil unless it is a number whose result fits.
    func scaled(_ line: RawSpan, scale: Int) -> Int64? {
        guard kind == .number else { return nil }
        if let value = Decimal.scaled(line, range, scale: scale) { return value }
        guard var value = double(line) else { return nil }
        for _ in 0..<scale { value *= 10 }
        return Int64(exactly: value.rounded(.towardZero))
    }

    /// A number as the nearest Double; nil for anything else.
    ///
    /// Up to 15 digits with a small exponent need no more than one exact division; the rest is for strtod.
    func double(_ line: RawSpan) -> Double? {
        guard kind == .number else { return nil }
        var index = Int(start)
        let negative = line[index] == UInt8(ascii: "-")
        if negative { index += 1 }
        var mantissa: Int64 = 0
        var digits = 0
        var decimals = 0
        var isBehindPoint = false
        while index < Int(end) {
            let byte = line[index]
            index += 1
            if byte == UInt8(ascii: "."), !isBehindPoint {
                isBehindPoint = true
                continue
            }
            let digit = byte &- 48
            guard digit < 10, digits < 15 else { return line.double(range) }
            if isBehindPoint { decimals += 1 }
            mantissa = mantissa * 10 + Int64(digit)
            if mantissa > 0 { digits += 1 }
        }
        guard decimals <= 22 else { return line.double(range) }
        let value = Double(mantissa) / Self.powersOfTen[decimals]
        return negative ? -value : value
    }

    /// Those that a Double holds exactly.
    private static let powersOfTen: [Double] = [
        1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
        1e19,
        1e20, 1e21, 1e22,
    ]

    /// Whether it is the string `text`.
    @inline(__always)
    func equals(_ text: StaticString, _ line: RawSpan) -> Bool {
        switch kind {
        case .string: line.equals(text, range)
        case .escapedString: unescapedEquals(text, line)
        default: false
        }
    }

    /// Whether it is the same string as `other` of `otherLine`.
    func equals(_ other: FieldValue, _ otherLine: RawSpan, _ line: RawSpan) -> Bool {
        guard isString, other.isString else { return false }
        if kind == .string, other.kind == .string {
            guard range.count == other.range.count else { return false }
            return zip(range, other.range).allSatisfy { line[$0] == otherLine[$1] }
        }
        return string(line) == other.string(otherLine)
    }

    private func unescapedEquals(_ expected: StaticString, _ line: RawSpan) -> Bool {
        var buffer = ByteBuffer(capacity: range.count)
        buffer.append(unescaped: text, of: line)
        return buffer.withSpan { $0.equals(expected, 0..<$0.byteCount) }
    }

    /// The string's value, or the JSON of another value; empty when absent.
    ///
    /// Allocates.
    func string(_ line: RawSpan) -> String {
        guard isGiven else { return "" }
        var buffer = ByteBuffer(capacity: range.count)
        buffer.append(unescaped: self, of: line)
        return buffer.text
    }

    /// The moment that `timestamp` names: integer microseconds since 1970, or RFC 3339 text.
    ///
    /// - Returns: nil when absent or neither; the decoder refuses events with the latter.
    func time(_ line: RawSpan) -> CalendarTime? {
        switch kind {
        case .string: return CalendarTime.parse(iso8601: line, range)
        case .number:
            guard let microseconds = Decimal.integer(line, range) else { return nil }
            let (nanoseconds, overflow) = microseconds.multipliedReportingOverflow(by: 1000)
            return overflow ? nil : CalendarTime(nanoseconds: nanoseconds)
        default: return nil
        }
    }
}

extension ByteBuffer {
    /// Appends a string's value, its escapes resolved; of other values their JSON.
    @inline(__always)
    mutating func append(unescaped value: FieldValue, of line: RawSpan) {
        append(unescaped: value.text, of: line)
    }
}

extension RawSpan {
    /// The number in `range`, which is checked JSON, rounded as C does; infinite when it is too large.
    func double(_ range: Range<Int>) -> Double {
        // A copy with a zero behind it: strtod knows no end.
        withUnsafeTemporaryAllocation(byteCount: range.count + 1, alignment: 1) { copy in
            for index in 0..<range.count { copy[index] = self[range.lowerBound + index] }
            copy[range.count] = 0
            guard let base = copy.baseAddress else { return 0 }
            return strtod(base.assumingMemoryBound(to: CChar.self), nil)
        }
    }
}
