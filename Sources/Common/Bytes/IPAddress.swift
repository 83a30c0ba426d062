/// An IPv4 or IPv6 address as a value.
///
/// IPv4 is held as IPv4-mapped IPv6 (`::ffff:a.b.c.d`, RFC 4291 section 2.5.5.2), so both spellings of one client
/// are equal and are found in the same networks.
package struct IPAddress: Hashable, Sendable {
    /// The first eight bytes in network order, as an integer.
    package let high: UInt64
    /// The last eight bytes in network order, as an integer.
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    package init(ipv4: UInt32) { self.init(high: 0, low: Self.mappedPrefix | UInt64(ipv4)) }

    /// The address that the whole of `bytes[range]` spells; nil for anything else.
    ///
    /// Allocates nothing.
    /// Strict on purpose, since what passes becomes an `ip` field: no port, brackets, zone, blanks, leading zeros
    /// in IPv4, or numbers of other bases.
    package init?(_ bytes: RawSpan, _ range: Range<Int>) {
        guard range.lowerBound >= 0, range.upperBound <= bytes.byteCount else { return nil }
        guard range.count >= 2, range.count <= Self.longestText else { return nil }
        if let ipv4 = Self.ipv4(bytes, range) {
            self.init(ipv4: ipv4)
            return
        }
        guard let address = Self.ipv6(bytes, range) else { return nil }
        self = address
    }

    package init?(_ text: String) {
        let utf8 = Array(text.utf8)
        self.init(utf8.span.bytes, 0..<utf8.count)
    }

    /// Whether this is an IPv4 address, however it was written.
    package var isIPv4: Bool { high == 0 && low & ~0xFFFF_FFFF == Self.mappedPrefix }

    private static let mappedPrefix: UInt64 = 0xFFFF_0000_0000
    /// Of `ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255`.
    private static let longestText = 45

    // MARK: - Text

    private static func ipv4(_ bytes: RawSpan, _ range: Range<Int>) -> UInt32? {
        var address: UInt32 = 0
        var octets = 0
        var octet: UInt32 = 0
        var digits = 0
        for index in range {
            let byte = bytes[index]
            if byte == UInt8(ascii: ".") {
                guard digits > 0, octets < 3 else { return nil }
                address = address << 8 | octet
                octets += 1
                octet = 0
                digits = 0
                continue
            }
            let digit = byte &- UInt8(ascii: "0")
            guard digit < 10, !(digits > 0 && octet == 0) else { return nil }
            octet = octet * 10 + UInt32(digit)
            digits += 1
            guard octet <= 255 else { return nil }
        }
        guard octets == 3, digits > 0 else { return nil }
        return address << 8 | octet
    }

    /// Groups of hexadecimal digits, `::` once for a run of zero groups, IPv4 allowed as the last two groups.
    ///
    /// Source: RFC 4291, section 2.2.
    private static func ipv6(_ bytes: RawSpan, _ range: Range<Int>) -> IPAddress? {
        var groups: InlineArray<8, UInt16> = .init(repeating: 0)
        var count = 0
        var gap: Int?
        var index = range.lowerBound
        if bytes[index] == UInt8(ascii: ":") {
            guard bytes[index + 1] == UInt8(ascii: ":") else { return nil }
            gap = 0
            index += 2
        }
        while index < range.upperBound {
            guard count < 8 else { return nil }
            let start = index
            var group: UInt32 = 0
            while index < range.upperBound, let digit = Hexadecimal.value(bytes[index]) {
                guard index - start < 4 else { return nil }
                group = group << 4 | UInt32(digit)
                index += 1
            }
            if index < range.upperBound, bytes[index] == UInt8(ascii: ".") {
                guard count <= 6, let tail = ipv4(bytes, start..<range.upperBound) else { return nil }
                groups[count] = UInt16(tail >> 16)
                groups[count + 1] = UInt16(tail & 0xFFFF)
                count += 2
                index = range.upperBound
                break
            }
            guard index > start else { return nil }
            groups[count] = UInt16(group)
            count += 1
            guard index < range.upperBound else { break }
            guard bytes[index] == UInt8(ascii: ":") else { return nil }
            index += 1
            guard index < range.upperBound else { return nil }
            if bytes[index] == UInt8(ascii: ":") {
                guard gap == nil else { return nil }
                gap = count
                index += 1
            }
        }
        return assemble(groups, count: count, gap: gap)
    }

    private static func assemble(_ groups: InlineArray<8, UInt16>, count: Int, gap: Int?) -> IPAddress? {
        guard gap == nil ? count == 8 : count < 8 else { return nil }
        let before = gap ?? count
        var high: UInt64 = 0
        var low: UInt64 = 0
        for position in 0..<8 {
            let behind = position - (8 - count)
            let group: UInt16 =
                if position < before { groups[position] } else if behind >= before { groups[behind] } else {
                    0
                }
            if position < 4 { high = high << 16 | UInt64(group) } else { low = low << 16 | UInt64(group) }
        }
        return IPAddress(high: high, low: low)
    }
}
