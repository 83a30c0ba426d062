import Common
import Glibc

/// An IP address with or without a port, as it stands in text.
struct NetworkAddress: Equatable {
    /// The characters of the address alone.
    let ip: Range<Int>
    let address: IPAddress
    /// 0 when none was given, or none that is one.
    let port: Int

    /// Reads `1.2.3.4`, `1.2.3.4:80`, `::1` or `[::1]:80` (also `[::1]`); nil for anything else, names of hosts too.
    init?(_ text: RawSpan, _ range: Range<Int>) {
        let range = text.trimmed(range)
        if let address = IPAddress(text, range) {
            self.address = address
            ip = range
            port = 0
            return
        }
        guard let (host, port) = text.hostAndPort(range) else { return nil }
        guard let address = IPAddress(text, host) else { return nil }
        self.address = address
        ip = host
        self.port = port
    }
}

extension ByteBuffer {
    /// Appends the IP address in `range` of `text` in its usual spelling (RFC 5952).
    mutating func append(ip range: Range<Int>, of text: RawSpan) {
        guard text.firstIndex(of: UInt8(ascii: ":"), in: range) != nil else {
            // An IPv4 address has one spelling.
            append(text, range)
            return
        }
        text.withAddress(range) { characters, address in
            guard inet_pton(AF_INET6, characters, address) == 1 else {
                fatalError("append(ip:) of what is no address")
            }
            append(reserving: Int(INET6_ADDRSTRLEN)) { free in
                guard let base = free.baseAddress else { return 0 }
                let name = base.assumingMemoryBound(to: CChar.self)
                guard inet_ntop(AF_INET6, address, name, socklen_t(INET6_ADDRSTRLEN)) != nil else { return 0 }
                return strlen(name)
            }
        }
    }
}

extension RawSpan {
    /// Calls `body` with the characters of `range`, with a zero behind them, and room for an address.
    fileprivate func withAddress<R>(
        _ range: Range<Int>,
        _ body: (UnsafePointer<CChar>, UnsafeMutableRawPointer) -> R
    ) -> R {
        withUnsafeTemporaryAllocation(byteCount: 16 + range.count + 1, alignment: 8) { memory in
            guard let base = memory.baseAddress else { fatalError("no memory for an address") }
            for index in 0..<range.count { memory[16 + index] = self[range.lowerBound + index] }
            memory[16 + range.count] = 0
            return body((base + 16).assumingMemoryBound(to: CChar.self), base)
        }
    }

    /// The range without blanks around it.
    func trimmed(_ range: Range<Int>) -> Range<Int> {
        var (start, end) = (range.lowerBound, range.upperBound)
        while start < end, self[start] == 0x20 || self[start] == 0x09 { start += 1 }
        while end > start, self[end - 1] == 0x20 || self[end - 1] == 0x09 { end -= 1 }
        return start..<end
    }

    /// The parts of `host:port`, `[host]:port` or `[host]`, the brackets left out; 0 for no port.
    fileprivate func hostAndPort(_ range: Range<Int>) -> (host: Range<Int>, port: Int)? {
        guard !range.isEmpty else { return nil }
        var host = range
        var rest = range
        if self[range.lowerBound] == UInt8(ascii: "[") {
            guard let close = firstIndex(of: UInt8(ascii: "]"), in: range) else { return nil }
            host = range.lowerBound + 1..<close
            rest = close + 1..<range.upperBound
            if rest.isEmpty { return (host, 0) }
        } else {
            guard let colon = firstIndex(of: UInt8(ascii: ":"), in: range) else { return nil }
            host = range.lowerBound..<colon
            rest = colon..<range.upperBound
        }
        guard self[rest.lowerBound] == UInt8(ascii: ":") else { return nil }
        let port = Decimal.integer(self, rest.lowerBound + 1..<rest.upperBound) ?? 0
        return (host, (0...65535).contains(port) ? Int(port) : 0)
    }
}
