import Common
import Testing

@testable import Ingest

@Suite("Filter anonymize_ip")
struct AnonymizeIPFilterTests {
    @Test(
        "cuts addresses",
        arguments: [
            FilterRow(
                "- anonymize_ip: {}",
                #"{"source":{"ip":"203.0.113.77","address":"203.0.113.77"},"related":{"ip":["203.0.113.77","2001:db8:1:2::3"]},"nginx":{"access":{"remote_ip_list":["10.1.2.3:80","unknown"]}},"message":"203.0.113.77"}"#,
                #"{"source":{"ip":"203.0.113.0","address":"203.0.113.0"},"related":{"ip":["203.0.113.0","2001:db8:1::"]},"nginx":{"access":{"remote_ip_list":["10.1.2.0:80","unknown"]}},"message":"203.0.113.77"}"#
            ),
            FilterRow(
                "- anonymize_ip: {in_text: true}",
                #"{"message":"a 203.0.113.77, client: ::ffff:192.0.2.9.","event":{"original":"203.0.113.77 - - [22/Nov/2026:10:13:40 +0000] \"GET /1.2 HTTP/1.1\""}}"#,
                #"{"message":"a 203.0.113.0, client: 192.0.2.0.","event":{"original":"203.0.113.0 - - [22/Nov/2026:10:13:40 +0000] \"GET /1.2 HTTP/1.1\""}}"#
            ),
            FilterRow(
                "- anonymize_ip: {fields: a, ipv4_prefix: 16, ipv6_prefix: 32}",
                #"{"a":["1.2.3.4","2001:db8:1::1"]}"#,
                #"{"a":["1.2.0.0","2001:db8::"]}"#
            ),
            FilterRow(
                "- anonymize_ip: {fields: a, ipv4_prefix: 0, ipv6_prefix: 0}",
                #"{"a":["1.2.3.4","2001:db8:1::1"]}"#,
                #"{"a":["0.0.0.0","::"]}"#
            ),
            FilterRow(
                "- anonymize_ip: {fields: a, ipv4_prefix: 32, ipv6_prefix: 128}",
                #"{"a":["1.2.3.4","2001:db8:1::1"]}"#,
                #"{"a":["1.2.3.4","2001:db8:1::1"]}"#
            ),
            FilterRow("- anonymize_ip: {fields: a}", #"{"a":"unix:"}"#, #"{"a":"unix:"}"#),
        ]
    )
    func cuts(_ row: FilterRow) throws { try row.check() }

    @Test("a keyed hash is a valid address, the same for one client, another for another key")
    func hashes() throws {
        func run(_ key: String, _ json: String) throws -> String {
            try FilterHarness("- anonymize_ip: {fields: a, method: hash, key: \(key)}").run(json)[0]
        }
        let first = try run("0123456789abcdef", #"{"a":["1.2.3.4","1.2.3.5","::ffff:1.2.3.4"]}"#)
        let addresses = first.split(separator: "\"").filter { $0.hasPrefix("fd") }.map(String.init)
        #expect(addresses.count == 3 && addresses[0] == addresses[2] && addresses[0] != addresses[1])
        #expect(addresses.allSatisfy { IPAddress($0) != nil })
        #expect(try run("0123456789abcdef", #"{"a":["1.2.3.4","1.2.3.5","1.2.3.4"]}"#) == first)
        #expect(try run("0123456789abcdeX", #"{"a":["1.2.3.4","1.2.3.5","1.2.3.4"]}"#) != first)
    }

    @Test(
        "complains",
        arguments: [
            ("- anonymize_ip: {method: hash}", "key: is missing"),
            ("- anonymize_ip: {method: hash, key: short}", "key: is too short"),
            ("- anonymize_ip: {ipv4_prefix: 33}", "out of range"),
            ("- anonymize_ip: {method: x}", "not a choice"),
        ]
    )
    func complains(_ filters: String, expected: String) {
        #expect(FilterHarness.complaints(filters).contains(expected))
    }
}
