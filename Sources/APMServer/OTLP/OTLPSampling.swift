import Common

/// The share of spans that was kept, as the `tracestate` of W3C Trace Context carries it.
///
///     es=s:0.25            Elastic's agents: the rate itself
///     ot=p:3               OpenTelemetry, consistent probability sampling: 2 to the power of -p; 63 means none
///     ot=th:c              OpenTelemetry today: what was rejected, of 2^56, in up to 14 hexadecimal digits
enum OTLPSampling {
    /// - Returns: nil when the state says nothing about it.
    static func rate(_ state: Range<Int>, _ bytes: RawSpan) -> Double? {
        var start = state.lowerBound
        while start < state.upperBound {
            let end =
                bytes.firstIndex(of: UInt8(ascii: ","), in: start..<state.upperBound) ?? state.upperBound
            while start < end, bytes[start] == UInt8(ascii: " ") { start += 1 }
            if let separator = bytes.firstIndex(of: UInt8(ascii: "="), in: start..<end) {
                let vendor = start..<separator
                if bytes.equals("es", vendor) || bytes.equals("ot", vendor),
                    let rate = memberRate(separator + 1..<end, bytes)
                {
                    return rate
                }
            }
            start = end + 1
        }
        return nil
    }

    /// Looks through `key:value;key:value`.
    private static func memberRate(_ member: Range<Int>, _ bytes: RawSpan) -> Double? {
        var start = member.lowerBound
        while start < member.upperBound {
            let end =
                bytes.firstIndex(of: UInt8(ascii: ";"), in: start..<member.upperBound) ?? member.upperBound
            if let colon = bytes.firstIndex(of: UInt8(ascii: ":"), in: start..<end) {
                let value = colon + 1..<end
                if bytes.equals("s", start..<colon) { return share(value, bytes) }
                if bytes.equals("p", start..<colon) { return power(value, bytes) }
                if bytes.equals("th", start..<colon) { return threshold(value, bytes) }
            }
            start = end + 1
        }
        return nil
    }

    private static func share(_ value: Range<Int>, _ bytes: RawSpan) -> Double? {
        guard value.count <= 20, let rate = Double(bytes.text(value)), (0...1).contains(rate) else {
            return nil
        }
        return rate
    }

    private static func power(_ value: Range<Int>, _ bytes: RawSpan) -> Double? {
        guard let power = Decimal.integer(bytes, value), (0...63).contains(power) else { return nil }
        return power == 63 ? 0 : 1 / Double(UInt64(1) << UInt64(power))
    }

    private static func threshold(_ value: Range<Int>, _ bytes: RawSpan) -> Double? {
        guard (1...14).contains(value.count) else { return nil }
        var rejected: UInt64 = 0
        for index in value {
            guard let digit = Hexadecimal.value(bytes[index]) else { return nil }
            rejected = rejected << 4 | UInt64(digit)
        }
        rejected <<= UInt64(4 * (14 - value.count))
        let all = UInt64(1) << 56
        return Double(all - rejected) / Double(all)
    }
}
