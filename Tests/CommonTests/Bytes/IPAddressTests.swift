import Glibc
import Testing

@testable import Common

@Suite("IP address")
struct IPAddressTests {
    @Test(
        "reads what inet_pton reads, and refuses what it refuses",
        arguments: [
            "0.0.0.0", "8.8.8.8", "255.255.255.255", "1.2.3.04", "256.1.1.1", "1.2.3", "1.2.3.4.5", "1.2.3.",
            ".1.2.3",
            "1..2.3", "1.2.3.4:80", " 1.2.3.4", "1.2.3.4 ", "0x7f.1.1.1", "::", "::1", "1::",
            "::ffff:1.2.3.4",
            "::1.2.3.4", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8::",
            "1:2:3:4:5:6:7:8:9", "1:::2", "1::2::3", ":1", "1:", ":", "12345::", "fe80::1%eth0", "[::1]",
            "g::",
            "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:7:1.2.3.4", "1:2:3:4:5::1.2.3.4", "::1.2.3", "::1.2.3.256",
            "2001:DB8::A", "localhost", "unix:", "-", "", "1", "a", "::ffff:1.2.3.4:80", "1.2.3.4::",
            "::1.2.3.4:1",
            "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", "0000:0000:0000:0000:0000:ffff:0102:0304",
        ]
    )
    func agreesWithTheSystem(_ text: String) {
        var storage = [UInt8](repeating: 0, count: 16)
        var expected: [UInt8]?
        if inet_pton(AF_INET, text, &storage) == 1 {
            expected = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF] + storage[..<4]
        } else if inet_pton(AF_INET6, text, &storage) == 1 {
            expected = storage
        }
        let address = IPAddress(text)
        let bytes = address.map { address in
            withUnsafeBytes(of: (address.high.bigEndian, address.low.bigEndian)) { Array($0) }
        }
        #expect(bytes == expected)
    }

    @Test("is IPv4 in either spelling")
    func knowsItsFamily() throws {
        #expect(IPAddress("::ffff:8.8.8.8") == IPAddress("8.8.8.8"))
        #expect(try #require(IPAddress("::ffff:808:808")).isIPv4)
        #expect(try !#require(IPAddress("::8.8.8.8")).isIPv4)
    }
}
