import Common

/// The order in which the addresses of a name are tried.
enum AddressOrder {
    /// Begins with another address at each turn, so that the connections of a fleet, and those that follow one
    /// another, go to all of them.
    ///
    /// Only among those of the family that the system prefers (RFC 6724): the other one may not work here.
    static func rotated(_ addresses: [Socket.Address], turn: Int) -> [Socket.Address] {
        guard let first = addresses.first else { return [] }
        let preferred = addresses.filter { isIPv6($0) == isIPv6(first) }
        let start = turn % preferred.count
        return preferred[start...] + preferred[..<start] + addresses.filter { isIPv6($0) != isIPv6(first) }
    }

    private static func isIPv6(_ address: Socket.Address) -> Bool {
        address.host.utf8.contains(UInt8(ascii: ":"))
    }
}
