extension IPAddress {
    /// The address with all bits behind a prefix cleared; IPv4's prefix is counted as IPv4 does.
    package func truncated(ipv4Prefix: Int, ipv6Prefix: Int) -> IPAddress {
        let length = isIPv4 ? 96 + ipv4Prefix : ipv6Prefix
        func mask(_ bits: Int) -> UInt64 { bits <= 0 ? 0 : bits >= 64 ? ~0 : ~0 << UInt64(64 - bits) }
        return IPAddress(high: high & mask(length), low: low & mask(length - 64))
    }
}

extension ByteBuffer {
    /// Appends an address as RFC 5952 writes it; IPv4-mapped ones as IPv4.
    package mutating func append(_ address: IPAddress) {
        guard !address.isIPv4 else {
            for shift: UInt64 in [24, 16, 8, 0] {
                append(decimal: Int64(address.low >> shift & 0xFF))
                if shift > 0 { append(UInt8(ascii: ".")) }
            }
            return
        }
        let groups = (0..<8).map { position in
            let half = position < 4 ? address.high : address.low
            return UInt16(truncatingIfNeeded: half >> UInt64(48 - position % 4 * 16))
        }
        let gap = Self.longestRunOfZeros(groups)
        var position = 0
        while position < 8 {
            if position == gap.lowerBound, gap.count > 1 {
                append("::" as StaticString)
                position = gap.upperBound
                continue
            }
            if position > 0, position != gap.upperBound || gap.count < 2 { append(UInt8(ascii: ":")) }
            append(group: groups[position])
            position += 1
        }
    }

    /// The first of the longest runs, as RFC 5952, section 4.2.3 wants it.
    private static func longestRunOfZeros(_ groups: [UInt16]) -> Range<Int> {
        var longest = 0..<0
        var start = 0
        for position in 0...groups.count where position == groups.count || groups[position] != 0 {
            if position - start > longest.count { longest = start..<position }
            start = position + 1
        }
        return longest
    }

    /// Without leading zeros.
    private mutating func append(group: UInt16) {
        var isLeading = true
        for shift: UInt16 in [12, 8, 4, 0] {
            let digit = UInt8(group >> shift & 15)
            if digit == 0, isLeading, shift > 0 { continue }
            isLeading = false
            append(Hexadecimal.lowerCase(digit))
        }
    }
}
