/// Durations and sizes as people write them.
package enum Quantity {
    /// What `duration` understands, for messages.
    package static let durationForm =
        "a duration such as 500ms, 10s, 5m, 1h or 30d (a plain number is seconds)"
    /// What `size` understands, for messages.
    package static let sizeForm =
        "a size such as 1048576, 64KiB, 10MiB or 1GiB (KiB is 1024 bytes, kB is 1000)"

    /// `500ms`, `10s`, `5m`, `1h`, `30d`, also `1.5s` and `1h30m`; a plain number is seconds; nil for other text.
    ///
    /// Units: us, ms, s, m, h, d. At most a hundred years, so that sums with it cannot overflow.
    package static func duration(_ text: String) -> Duration? {
        var rest = text.utf8[...]
        var total: Int64 = 0
        var isFirst = true
        while isFirst || !rest.isEmpty {
            guard let number = takeNumber(&rest) else { return nil }
            let unit = takeUnit(&rest)
            let nanoseconds: Int64
            switch unit {
            case "us", "µs": nanoseconds = 1_000
            case "ms": nanoseconds = 1_000_000
            case "s": nanoseconds = second
            case "":
                guard isFirst, rest.isEmpty else { return nil }
                nanoseconds = second
            case "m": nanoseconds = 60 * second
            case "h": nanoseconds = 3600 * second
            case "d": nanoseconds = 86400 * second
            default: return nil
            }
            guard let part = number.times(nanoseconds) else { return nil }
            let (sum, overflow) = total.addingReportingOverflow(part)
            guard !overflow, sum <= 36500 * 86400 * second else { return nil }
            total = sum
            isFirst = false
        }
        return .nanoseconds(total)
    }

    /// `1048576`, `64KiB`, `10MiB`, `1GiB`, `64kB`, in any case, also `1.5MiB`; nil for other text.
    ///
    /// Units as in Beats: KiB, MiB, GiB, TiB are powers of 1024; kB, MB, GB, TB of 1000.
    package static func size(_ text: String) -> Int? {
        var rest = text.utf8[...]
        guard let number = takeNumber(&rest) else { return nil }
        while rest.first == UInt8(ascii: " ") { rest.removeFirst() }
        let unit = takeUnit(&rest).lowercased()
        guard rest.isEmpty else { return nil }
        let bytes: Int64
        switch unit {
        case "", "b": bytes = 1
        case "kb": bytes = 1_000
        case "mb": bytes = 1_000_000
        case "gb": bytes = 1_000_000_000
        case "tb": bytes = 1_000_000_000_000
        case "kib": bytes = 1 << 10
        case "mib": bytes = 1 << 20
        case "gib": bytes = 1 << 30
        case "tib": bytes = 1 << 40
        default: return nil
        }
        return number.times(bytes).map(Int.init)
    }

    /// A duration in its largest whole unit, for messages.
    package static func text(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let milliseconds = seconds * 1000 + attoseconds / 1_000_000_000_000_000
        if milliseconds % 1000 != 0 { return "\(milliseconds)ms" }
        for (size, unit) in [(86400, "d"), (3600, "h"), (60, "m")] as [(Int64, String)]
        where seconds >= size && seconds % size == 0 {
            return "\(seconds / size)\(unit)"
        }
        return "\(seconds)s"
    }

    /// A size in its largest whole unit, for messages.
    package static func text(bytes: Int) -> String {
        for (shift, unit) in [(40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")]
        where bytes >= 1 << shift && bytes % (1 << shift) == 0 {
            return "\(bytes >> shift)\(unit)"
        }
        return "\(bytes)"
    }

    private static let second: Int64 = 1_000_000_000

    /// Digits with at most one point, exact.
    private struct Number {
        let digits: Int64
        /// 10 to the number of digits behind the point.
        let divisor: Int64

        func times(_ unit: Int64) -> Int64? {
            let (high, low) = digits.multipliedFullWidth(by: unit)
            guard high < divisor else { return nil }
            return divisor.dividingFullWidth((high, low)).quotient
        }
    }

    private static func takeNumber(_ rest: inout Substring.UTF8View) -> Number? {
        var digits: Int64 = 0
        var divisor: Int64 = 1
        var hasPoint = false
        var count = 0
        while let byte = rest.first {
            if byte == UInt8(ascii: "."), !hasPoint {
                hasPoint = true
            } else if byte >= 48, byte <= 57 {
                count += 1
                // 18 digits fit into 64 bits, and nothing measured here has more.
                guard count <= 18 else { return nil }
                digits = digits * 10 + Int64(byte - 48)
                if hasPoint { divisor *= 10 }
            } else {
                break
            }
            rest.removeFirst()
        }
        return count > 0 ? Number(digits: digits, divisor: divisor) : nil
    }

    private static func takeUnit(_ rest: inout Substring.UTF8View) -> String {
        let unit = rest.prefix { !(48...57).contains($0) && $0 != UInt8(ascii: ".") }
        rest = rest.dropFirst(unit.count)
        return String(decoding: unit, as: UTF8.self)
    }
}
