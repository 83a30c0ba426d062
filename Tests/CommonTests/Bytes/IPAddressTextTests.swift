import Testing

@testable import Common

@Suite("Text of an address")
struct IPAddressTextTests {
    // RFC 5952, sections 4 and 5, and RFC 4291, section 2.2.
    @Test(
        "is the canonical one",
        arguments: [
            ("192.0.2.1", "192.0.2.1"), ("::ffff:255.0.10.100", "255.0.10.100"),
            ("2001:0db8:0:0:0:0:0002:1", "2001:db8::2:1"),
            ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
            ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("::", "::"), ("::1", "::1"), ("1::", "1::"),
            ("FF01:0:0:0:0:0:0:101", "ff01::101"), ("0:1:2:3:4:5:6:0", "0:1:2:3:4:5:6:0"),
        ]
    )
    func canonical(_ text: String, expected: String) throws {
        var buffer = ByteBuffer()
        buffer.append(try #require(IPAddress(text)))
        #expect(buffer.text == expected)
        #expect(IPAddress(buffer.text) == IPAddress(text))
    }

    @Test(
        "without the bits behind a prefix",
        arguments: [
            ("203.0.113.77", 24, 48, "203.0.113.0"), ("203.0.113.77", 0, 48, "0.0.0.0"),
            ("203.0.113.77", 31, 0, "203.0.113.76"),
            ("2001:db8:1:2:3:4:5:6", 24, 48, "2001:db8:1::"),
            ("2001:db8:1:2:3:4:5:6", 24, 64, "2001:db8:1:2::"),
            ("2001:db8:1:2:3:4:5:6", 24, 96, "2001:db8:1:2:3:4::"),
            ("2001:db8:1:2:3:4:5:6", 0, 128, "2001:db8:1:2:3:4:5:6"),
        ]
    )
    func truncated(_ text: String, ipv4: Int, ipv6: Int, expected: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.truncated(ipv4Prefix: ipv4, ipv6Prefix: ipv6) == IPAddress(expected))
    }
}
