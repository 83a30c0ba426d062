import Common
import Testing

@testable import APMServer

@Suite("Client address")
struct ClientAddressTests {
    @Test(
        "believes the first valid header",
        arguments: [
            ([], "10.0.0.1", 4711, ""),
            ([("X-Forwarded-For", "192.0.2.7, 10.9.9.9")], "192.0.2.7", 0, "10.0.0.1"),
            ([("x-forwarded-for", " 192.0.2.7:80 ")], "192.0.2.7", 80, "10.0.0.1"),
            ([("X-Real-IP", "192.0.2.8"), ("X-Forwarded-For", "192.0.2.7")], "192.0.2.8", 0, "10.0.0.1"),
            ([("X-Real-IP", "proxy.example"), ("X-Forwarded-For", "192.0.2.7")], "192.0.2.7", 0, "10.0.0.1"),
            (
                [
                    ("Forwarded", "for=192.0.2.60;proto=http;by=203.0.113.43, for=192.0.2.1"),
                    ("X-Real-IP", "192.0.2.8"),
                ],
                "192.0.2.60", 0, "10.0.0.1"
            ),
            ([("Forwarded", #"proto=https;For="[2001:DB8:0::17]:4711""#)], "2001:db8::17", 4711, "10.0.0.1"),
            ([("Forwarded", #"for="[2001:db8::17]""#)], "2001:db8::17", 0, "10.0.0.1"),
            ([("Forwarded", "for=_hidden, for=192.0.2.1"), ("X-Real-IP", "::1")], "::1", 0, "10.0.0.1"),
            ([("Forwarded", "for=unknown")], "10.0.0.1", 4711, ""),
            ([("X-Real-IP", "192.0.2.300")], "10.0.0.1", 4711, ""),
            ([("X-Real-IP", "[::1]x")], "10.0.0.1", 4711, ""),
            ([("X-Real-IP", "")], "10.0.0.1", 4711, ""),
            ([("X-Real-IP", "1.2.3.4:99999")], "1.2.3.4", 0, "10.0.0.1"),
            ([("X-Forwarded-For", ",192.0.2.7")], "10.0.0.1", 4711, ""),
        ] as [([(String, String)], String, Int, String)]
    )
    func headers(fields: [(String, String)], ip: String, port: Int, natIP: String) {
        let request = HTTPRequest(
            method: "POST",
            path: "/",
            headers: fields.map { HTTPRequest.Field($0.0, $0.1) },
            peer: "10.0.0.1",
            peerPort: 4711
        )
        let address = ClientAddress(request)
        #expect(address.ip == ip && address.port == port && address.natIP == natIP)
    }

    @Test("writes IPv4 peers of an IPv6 socket as IPv4, and leaves an unknown one alone")
    func peers() {
        #expect(
            ClientAddress(HTTPRequest(method: "GET", path: "/", peer: "::ffff:10.0.0.1")).ip == "10.0.0.1"
        )
        #expect(ClientAddress(HTTPRequest(method: "GET", path: "/", peer: "?")).ip == "?")
    }
}
