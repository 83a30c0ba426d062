import Common
import Testing

@testable import Ingest

@Suite("IP network")
struct IPNetworkTests {
    @Test(
        "contains",
        arguments: [
            ("10.0.0.0/8", "10.255.1.2", true), ("10.0.0.0/8", "11.0.0.0", false),
            ("10.1.2.3/8", "10.9.9.9", true),
            ("172.16.0.0/12", "172.31.255.255", true), ("172.16.0.0/12", "172.32.0.0", false),
            ("0.0.0.0/0", "1.2.3.4", true), ("0.0.0.0/0", "::1", false), ("::/0", "1.2.3.4", false),
            ("::/0", "2001:db8::1", true), ("::1/128", "::1", true), ("::1/128", "::2", false),
            ("fc00::/7", "fdff::1", true), ("fc00::/7", "fe00::1", false), ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false), ("10.0.0.0/8", "::ffff:10.1.1.1", true),
            ("::ffff:10.0.0.0/104", "10.1.1.1", true), ("::ffff:0:0/96", "8.8.8.8", true),
            ("2001:db8::/64", "2001:db8::ffff:1", true), ("2001:db8::/65", "2001:db8::8000:0:0:0", false),
        ]
    )
    func contains(_ network: String, address: String, expected: Bool) throws {
        let network = try #require(IPNetwork(network))
        #expect(try network.contains(#require(IPAddress(address))) == expected)
    }

    @Test(
        "refuses",
        arguments: [
            "", "/8", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/8/8", "x/8", "10/8",
        ]
    )
    func refuses(_ text: String) {
        #expect(IPNetwork(text) == nil)
    }
}
