import Common

/// One entry of `formats`: how a text says a date.
enum DateFormat: Sendable {
    case pattern(DatePattern)
    /// A date, or date and time with `T` or a blank between them, a fraction, and a zone, which may be missing.
    case iso8601
    /// Seconds since 1970, with a fraction or without.
    case unix
    case unixMilliseconds
    /// `@` and 24 hexadecimal digits: seconds and nanoseconds, as daemontools write them.
    case tai64n

    /// The longest text that is looked at: no date comes near.
    static let maxBytes = 128
    /// What daemontools take TAI to be ahead of UTC.
    private static let taiOffset = 10

    init(_ text: String) throws(PatternError) {
        switch text {
        case "ISO8601": self = .iso8601
        case "UNIX": self = .unix
        case "UNIX_MS": self = .unixMilliseconds
        case "TAI64N": self = .tai64n
        default: self = .pattern(try DatePattern(text))
        }
    }

    /// The parts of a date that `bytes[range]` says; nil for another text.
    ///
    /// - Parameter year: of now, for years of two digits.
    func parts(_ bytes: RawSpan, _ range: Range<Int>, year: Int, _ zones: TimeZoneCache) -> DateParts? {
        if case .pattern(let pattern) = self {
            return DateScanner.parts(pattern, bytes, range, year: year, zones)
        }
        return Self.iso8601(bytes, range)
    }

    /// The moment that a number says; nil for another text, and for formats that are no numbers.
    func moment(_ bytes: RawSpan, _ range: Range<Int>) -> CalendarTime? {
        let nanoseconds: Int64?
        switch self {
        case .unix: nanoseconds = Decimal.scaled(bytes, range, scale: 9)
        case .unixMilliseconds: nanoseconds = Decimal.scaled(bytes, range, scale: 6)
        case .tai64n: nanoseconds = Self.tai64n(bytes, range)
        case .pattern, .iso8601: nanoseconds = nil
        }
        guard let nanoseconds else { return nil }
        let time = CalendarTime(nanoseconds: nanoseconds)
        return CalendarTime.years.contains(time.date.year) ? time : nil
    }

    /// Whether the text is a number in place of a date.
    var isNumber: Bool {
        switch self {
        case .unix, .unixMilliseconds, .tai64n: true
        case .pattern, .iso8601: false
        }
    }

    private static func tai64n(_ bytes: RawSpan, _ range: Range<Int>) -> Int64? {
        guard let first = range.first else { return nil }
        let start = bytes[first] == UInt8(ascii: "@") ? first + 1 : first
        guard range.upperBound - start == 24 else { return nil }
        var words: (UInt64, UInt64) = (0, 0)
        for index in start..<range.upperBound {
            guard let digit = Hexadecimal.value(bytes[index]) else { return nil }
            if index - start < 16 {
                words.0 = words.0 << 4 | UInt64(digit)
            } else {
                words.1 = words.1 << 4 | UInt64(digit)
            }
        }
        // Seconds count from 2^62.
        guard words.0 >> 62 == 1, words.1 < 1_000_000_000 else { return nil }
        let seconds = Int64(words.0 & (1 << 62 - 1)) - Int64(taiOffset)
        let (product, tooLarge) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, overflow) = product.addingReportingOverflow(Int64(words.1))
        return tooLarge || overflow ? nil : sum
    }

    /// `2026-11-22T10:14:47,092+01:00`, `2026-11-22 10:14Z`, `2026-11-22`, `20261122T101447`.
    private static func iso8601(_ bytes: RawSpan, _ range: Range<Int>) -> DateParts? {
        var scanner = DateScanner(range)
        var parts = DateParts()
        func take(_ byte: UInt8) -> Bool { scanner.take(byte, bytes) }
        func number(_ digits: Int) -> Int? { scanner.exactly(digits, bytes) }
        guard let year = number(4) else { return nil }
        let hasDashes = take(UInt8(ascii: "-"))
        guard let month = number(2), !hasDashes || take(UInt8(ascii: "-")), let day = number(2) else {
            return nil
        }
        (parts.year, parts.month, parts.day) = (year, month, day)
        if scanner.isAtEnd { return parts }
        guard take(UInt8(ascii: "T")) || take(UInt8(ascii: "t")) || take(0x20), let hour = number(2) else {
            return nil
        }
        let hasColons = take(UInt8(ascii: ":"))
        guard let minute = number(2) else { return nil }
        (parts.hour, parts.minute) = (hour, minute)
        if hasColons ? take(UInt8(ascii: ":")) : scanner.isAtDigit(bytes) {
            guard let second = number(2) else { return nil }
            parts.second = second
            if take(UInt8(ascii: ".")) || take(UInt8(ascii: ",")) {
                guard let fraction = scanner.fraction(.max, bytes) else { return nil }
                parts.nanosecond = fraction
            }
        }
        if scanner.isAtEnd { return parts }
        // Some write a blank in front of the zone.
        _ = take(0x20)
        guard let offset = scanner.zoneOffset(bytes), scanner.isAtEnd else { return nil }
        parts.offset = offset
        return parts
    }
}

extension DateScanner {
    fileprivate mutating func take(_ byte: UInt8, _ bytes: RawSpan) -> Bool {
        guard !isAtEnd, bytes[offset] == byte else { return false }
        skipByte()
        return true
    }

    fileprivate func isAtDigit(_ bytes: RawSpan) -> Bool { !isAtEnd && bytes[offset] &- 48 < 10 }

    fileprivate mutating func exactly(_ digits: Int, _ bytes: RawSpan) -> Int? {
        let start = offset
        guard let value = number(digits, bytes), offset - start == digits else { return nil }
        return value
    }
}
