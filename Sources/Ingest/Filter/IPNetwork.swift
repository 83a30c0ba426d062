import Common

/// A range of addresses in CIDR form: an address and the number of leading bits that all members share.
struct IPNetwork: Hashable, Sendable {
    private let address: IPAddress
    /// Shared leading bits, 0 to 128; IPv4's 0 to 32 are counted behind the 96 of the mapped prefix.
    private let prefixLength: Int
    private let isIPv4: Bool

    /// Reads `10.0.0.0/8`, `fc00::/7`, or a single address; bits behind the prefix are ignored.
    init?(_ text: String) {
        let utf8 = Array(text.utf8)
        let slash = utf8.firstIndex(of: UInt8(ascii: "/")) ?? utf8.count
        guard let address = IPAddress(utf8.span.bytes, 0..<slash) else { return nil }
        // Written as IPv4: `::ffff:0:0/96` counts its bits as IPv6 does.
        let isDotted = !utf8[..<slash].contains(UInt8(ascii: ":"))
        var length = 128
        if slash < utf8.count {
            let digits = slash + 1..<utf8.count
            guard (1...3).contains(digits.count), utf8[slash + 1] != UInt8(ascii: "-") else { return nil }
            guard let bits = Decimal.integer(utf8.span.bytes, digits) else { return nil }
            guard bits <= (isDotted ? 32 : 128) else { return nil }
            length = Int(bits) + (isDotted ? 96 : 0)
        }
        prefixLength = length
        self.address = Self.masked(address, length)
        isIPv4 = address.isIPv4 && length >= 96
    }

    /// Whether `address` lies in this network.
    ///
    /// An IPv6 network, `::/0` included, holds no IPv4 address.
    func contains(_ address: IPAddress) -> Bool {
        address.isIPv4 == isIPv4 && Self.masked(address, prefixLength) == self.address
    }

    private static func masked(_ address: IPAddress, _ length: Int) -> IPAddress {
        IPAddress(
            high: address.high & mask(min(length, 64)),
            low: address.low & mask(max(length - 64, 0))
        )
    }

    private static func mask(_ bits: Int) -> UInt64 { bits == 0 ? 0 : ~0 << UInt64(64 - bits) }
}

extension ConfigurationReader {
    /// The networks that texts under `key` name; one that names none is complained about and left out.
    func networks(_ texts: [String], of key: String) -> [IPNetwork] {
        texts.compactMap { text in
            if let network = IPNetwork(text) { return network }
            problem(key, "\(text) is no address or network; write 10.0.0.0/8 or 192.0.2.1")
            return nil
        }
    }
}
