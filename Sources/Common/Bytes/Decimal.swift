/// Numbers as decimal text, without locale and without allocation.
package enum Decimal {
    /// The integer that `bytes[range]` spells; nil unless it is digits only (a leading `-` allowed) and fits.
    package static func integer(_ bytes: RawSpan, _ range: Range<Int>) -> Int64? {
        var index = range.lowerBound
        guard index < range.upperBound else { return nil }
        let negative = bytes[index] == UInt8(ascii: "-")
        if negative { index += 1 }
        guard index < range.upperBound, range.upperBound - index <= 19 else { return nil }
        var value: UInt64 = 0
        while index < range.upperBound {
            let digit = bytes[index] &- 48
            guard digit < 10 else { return nil }
            value = value &* 10
            value = value &+ UInt64(digit)
            index += 1
        }
        if negative {
            return value <= UInt64(Int64.max) + 1 ? Int64(truncatingIfNeeded: 0 &- value) : nil
        }
        return value <= UInt64(Int64.max) ? Int64(value) : nil
    }

    /// A decimal fraction such as `0.121` times 10^`scale`, exact; further digits are cut off.
    ///
    /// - Returns: nil unless the text is digits with at most one point (a leading `-` allowed), or on overflow.
    package static func scaled(_ bytes: RawSpan, _ range: Range<Int>, scale: Int) -> Int64? {
        var index = range.lowerBound
        guard index < range.upperBound else { return nil }
        let negative = bytes[index] == UInt8(ascii: "-")
        if negative { index += 1 }
        var value: Int64 = 0
        var fraction = -1
        var digits = 0
        while index < range.upperBound {
            let byte = bytes[index]
            index += 1
            if byte == UInt8(ascii: "."), fraction < 0 {
                fraction = 0
                continue
            }
            let digit = byte &- 48
            guard digit < 10 else { return nil }
            digits += 1
            if fraction >= scale { continue }
            if fraction >= 0 { fraction += 1 }
            let (product, tooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflow) = product.addingReportingOverflow(Int64(digit))
            guard !tooLarge, !overflow else { return nil }
            value = sum
        }
        guard digits > 0 else { return nil }
        for _ in max(fraction, 0)..<max(scale, 0) {
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            guard !overflow else { return nil }
            value = product
        }
        return negative ? -value : value
    }
}

extension ByteBuffer {
    /// Appends `value` in decimal.
    package mutating func append(decimal value: Int64) {
        var rest = value.magnitude
        append(reserving: 20) { free in
            var digits = 1
            var limit: UInt64 = 10
            while rest >= limit, digits < 19 {
                digits += 1
                limit = limit &* 10
            }
            if digits == 19, rest >= 10_000_000_000_000_000_000 { digits = 20 }
            var length = digits
            if value < 0 {
                free[0] = UInt8(ascii: "-")
                length += 1
            }
            var index = length - 1
            for _ in 0..<digits {
                free[index] = UInt8(truncatingIfNeeded: rest % 10) &+ 48
                rest /= 10
                index -= 1
            }
            return length
        }
    }

    /// Appends `value` in decimal with leading zeros up to `width` digits.
    package mutating func append(decimal value: Int, width: Int) {
        append(reserving: width) { free in
            var rest = value
            var index = width - 1
            while index >= 0 {
                free[index] = UInt8(truncatingIfNeeded: rest % 10) &+ 48
                rest /= 10
                index -= 1
            }
            return width
        }
    }

    /// Appends the shortest JSON number that reads as `value`, the nearest finite double where it is none.
    package mutating func append(number value: Double) {
        let largest = Double.greatestFiniteMagnitude
        let finite = value.isNaN ? 0 : min(max(value, -largest), largest)
        if finite == finite.rounded(.towardZero), abs(finite) < 1e15 {
            append(decimal: Int64(finite))
        } else {
            append(finite.description)
        }
    }
}
