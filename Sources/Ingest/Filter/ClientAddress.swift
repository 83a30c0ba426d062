import Common

/// Finds the client in the chain of addresses that proxies have written down.
///
/// Each proxy appends the address it got the request from, so only what trusted proxies wrote can be believed: the walk goes
/// from this server towards the client and stops at the first address that is not a trusted proxy. Anything further
/// left may have been made up by that client. One per worker; it reuses its list.
struct ClientAddress {
    /// Addresses above this many are left out, those furthest from this server first.
    static let maxAddresses = 64

    /// Networks whose `X-Forwarded-For` is believed.
    private let trusted: [IPNetwork]
    /// Elements of the chain, the client's end first.
    private(set) var chain: [Range<Int>] = []

    init(trusted: [IPNetwork]) {
        self.trusted = trusted
        chain.reserveCapacity(Self.maxAddresses * 2)
    }

    mutating func reset() { chain.removeAll(keepingCapacity: true) }

    /// Adds the elements of a header value or of `$remote_addr`, the nearest to this server last.
    ///
    /// They are separated by commas and blanks. The value `-` has none.
    ///
    /// - Parameter skipsQuotes: whether quotes separate too: logs may have `"$http_x_forwarded_for" $remote_addr` where
    ///   the format names one address.
    mutating func append(_ bytes: RawSpan, _ range: Range<Int>, skipsQuotes: Bool = false) {
        guard !(range.count == 1 && bytes[range.lowerBound] == UInt8(ascii: "-")) else { return }
        func separates(_ byte: UInt8) -> Bool {
            byte == 0x20 || byte == UInt8(ascii: ",") || (skipsQuotes && byte == UInt8(ascii: "\""))
        }
        var start = range.lowerBound
        while start < range.upperBound {
            while start < range.upperBound, separates(bytes[start]) { start += 1 }
            var end = start
            while end < range.upperBound, !separates(bytes[end]) { end += 1 }
            if end > start { chain.append(start..<end) }
            start = end
        }
        if chain.count > Self.maxAddresses { chain.removeFirst(chain.count - Self.maxAddresses) }
    }

    /// The client: where its address stands, the address itself if it is one, and the port if it was given.
    func client(_ bytes: RawSpan) -> (text: Range<Int>, address: IPAddress?, port: Int64?)? {
        var index = chain.count - 1
        while index >= 0 {
            let found = Self.element(bytes, chain[index])
            guard index > 0, let address = found.address, isTrusted(address) else { return found }
            index -= 1
        }
        return nil
    }

    private func isTrusted(_ address: IPAddress) -> Bool {
        for network in trusted where network.contains(address) { return true }
        return false
    }

    /// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:80`; other text stays as it is.
    private static func element(
        _ bytes: RawSpan,
        _ range: Range<Int>
    ) -> (text: Range<Int>, address: IPAddress?, port: Int64?) {
        if let address = IPAddress(bytes, range) { return (range, address, nil) }
        var digits = range.upperBound
        while digits > range.lowerBound, bytes[digits - 1] &- 48 < 10 { digits -= 1 }
        var host = range
        var port: Int64?
        if digits > range.lowerBound, bytes[digits - 1] == UInt8(ascii: ":"),
            let number = Decimal.integer(bytes, digits..<range.upperBound), number <= 65535
        {
            port = number
            host = range.lowerBound..<digits - 1
        }
        if host.count > 2, bytes[host.lowerBound] == UInt8(ascii: "["),
            bytes[host.upperBound - 1] == UInt8(ascii: "]")
        {
            host = host.lowerBound + 1..<host.upperBound - 1
        }
        guard let address = IPAddress(bytes, host) else { return (range, nil, nil) }
        return (host, address, port)
    }
}
