import Common
import Testing

@testable import Ingest

@Suite("Client address")
struct ClientAddressTests {
    struct Row: Sendable {
        let forwarded: String
        let remote: String
        let client: String?
        var isAddress = true
        var port: Int64?
    }

    @Test(
        "is the first from the right that is no trusted proxy",
        arguments: [
            Row(forwarded: "-", remote: "192.0.2.1", client: "192.0.2.1"),
            Row(forwarded: "198.51.100.7", remote: "10.0.0.1", client: "198.51.100.7"),
            // Who is no proxy of ours may have written anything.
            Row(forwarded: "198.51.100.7", remote: "192.0.2.1", client: "192.0.2.1"),
            Row(forwarded: "1.1.1.1, 198.51.100.7, 172.16.0.9", remote: "10.0.0.1", client: "198.51.100.7"),
            Row(forwarded: "10.9.8.7,10.0.0.2", remote: "10.0.0.1", client: "10.9.8.7"),
            Row(forwarded: "2a00:1450::200e, ::1", remote: "fc00::1", client: "2a00:1450::200e"),
            Row(forwarded: "8.8.8.8, ::ffff:10.0.0.2", remote: "::ffff:10.0.0.1", client: "8.8.8.8"),
            Row(forwarded: "198.51.100.7:4711", remote: "10.0.0.1", client: "198.51.100.7", port: 4711),
            Row(forwarded: "[2001:db8::1]:80", remote: "10.0.0.1", client: "2001:db8::1", port: 80),
            Row(forwarded: "8.8.8.8, unknown", remote: "10.0.0.1", client: "unknown", isAddress: false),
            Row(forwarded: "8.8.8.8, <script>", remote: "10.0.0.1", client: "<script>", isAddress: false),
            Row(forwarded: "", remote: "unix:", client: "unix:", isAddress: false),
            Row(forwarded: "", remote: "", client: nil, isAddress: false),
            Row(forwarded: " , ,", remote: "10.0.0.1", client: "10.0.0.1"),
        ]
    )
    func client(_ row: Row) {
        let networks = PipelineConfiguration().trustedProxies.compactMap { IPNetwork($0) }
        let bytes = Array((row.forwarded + row.remote).utf8)
        var address = ClientAddress(trusted: networks)
        address.append(bytes.span.bytes, 0..<row.forwarded.utf8.count)
        address.append(bytes.span.bytes, row.forwarded.utf8.count..<bytes.count)
        let client = address.client(bytes.span.bytes)
        #expect(client.map { String(decoding: bytes[$0.text], as: UTF8.self) } == row.client)
        #expect((client?.address != nil) == row.isAddress)
        #expect(client?.port == row.port)
    }

    @Test("keeps the nearest of a chain without end")
    func bounded() {
        let bytes = Array(
            (Array(repeating: "10.0.0.1", count: 5000).joined(separator: ", ") + ", 192.0.2.1").utf8
        )
        var address = ClientAddress(trusted: [])
        address.append(bytes.span.bytes, 0..<bytes.count)
        #expect(address.chain.count == ClientAddress.maxAddresses)
        #expect(String(decoding: bytes[address.chain.last ?? 0..<0], as: UTF8.self) == "192.0.2.1")
    }
}
