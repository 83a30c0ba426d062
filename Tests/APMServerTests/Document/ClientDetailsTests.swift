import Common
import Testing

@testable import APMServer

/// What is looked up about clients for stores that have no pipelines for that.
@Suite("Client details")
struct ClientDetailsTests {
    private static let metadata =
        #"{"metadata":{"service":{"name":"a","agent":{"name":"go","version":"1"}}}}"#
    private static let rules = "/usr/share/uap-core/regexes.yaml"
    private static let chrome =
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_10_5) AppleWebKit/537.36 (KHTML, like Gecko) "
        + "Chrome/51.0.2704.103 Safari/537.36"
    /// What is known of `chrome`, besides `original`.
    private static let chromeMembers =
        #""name":"Chrome","version":"51.0.2704.103","device":{"name":"Mac"},"#
        + #""os":{"name":"Mac OS X","version":"10.10.5","full":"Mac OS X 10.10.5"}"#
    private static let place =
        #"{"continent_name":"North America","continent_code":"NA","country_iso_code":"US","#
        + #""country_name":"United States","region_iso_code":"US-CA","region_name":"California","#
        + #""city_name":"Mountain View","postal_code":"94035","timezone":"America/Los_Angeles","#
        + #""location":{"lat":37.4223,"lon":-122.085}}"#

    private static func databases() -> ClientDatabases {
        ClientDatabases(
            EnrichmentConfiguration(
                geoipDatabase: IntakeFixture.path("geoip/tiny.mmdb"),
                userAgentRegexes: rules
            )
        )
    }

    private func document(
        _ event: String,
        by request: RequestContext = DocumentRun.backend,
        store: StoreTraits = StoreTraits()
    ) throws -> JSONTree {
        let run = try DocumentRun(
            Self.metadata,
            event,
            request: request,
            store: store,
            databases: Self.databases()
        )
        #expect(run.errors.isEmpty)
        return try #require(run.documents.first).tree
    }

    @Test(
        "know where a client is",
        arguments: [
            (DocumentRow.request(#""socket":{"remote_address":"1.2.3.4:80"}"#), place),
            (
                DocumentRow.request(
                    #""headers":{"X-Forwarded-For":"1.2.3.4"},"socket":{"remote_address":"10.0.0.1"}"#
                ),
                place
            ),
            (DocumentRow.request(#""headers":{"X-Real-Ip":"1.2.3.\u0034"}"#), place),
            (DocumentRow.request(#""socket":{"remote_address":"::ffff:1.2.3.4"}"#), place),
            (
                DocumentRow.request(#""socket":{"remote_address":"[2001:db8::1]:443"}"#),
                #"{"country_iso_code":"DE","country_name":"Germany","location":{"lat":51,"lon":9}}"#
            ),
            // Records with a point off the globe, with a registered country alone, and none.
            (
                DocumentRow.request(#""socket":{"remote_address":"5.6.7.8"}"#),
                #"{"city_name":"Quo\"te\\ \n"}"#
            ),
            (DocumentRow.request(#""socket":{"remote_address":"6.6.6.6"}"#), ""),
            (DocumentRow.request(#""socket":{"remote_address":"10.0.0.1"}"#), ""),
            (DocumentRow.request(#""socket":{"remote_address":"localhost"}"#), ""),
            (
                DocumentRow.transaction(
                    #""otel":{"span_kind":"SERVER","attributes":{"net.peer.ip":"1.2.3.4","net.peer.name":"x"}}"#
                ), place
            ),
            (
                DocumentRow.transaction(
                    #""otel":{"span_kind":"SERVER","attributes":{"http.client_ip":"1.2.3.4"}}"#
                ), place
            ),
        ]
    )
    func places(_ event: String, expected: String) throws {
        let found = try document(event)["client.geo"]
        #expect(try found == (expected.isEmpty ? nil : JSONTree(expected)), "\(event)")
    }

    @Test(
        "know the browser behind a user agent",
        arguments: [
            (DocumentRow.request(#""headers":{"User-Agent":"\#(chrome)"}"#), #""\#(chrome)""#, chromeMembers),
            // Escapes are resolved before anything is looked up.
            (
                DocumentRow.request(
                    #""headers":{"User-Agent":"\#(chrome.split(separator: "/").joined(separator: #"\/"#))"}"#
                ), #""\#(chrome)""#, chromeMembers
            ),
            // Several values are one text.
            (
                DocumentRow.request(#""headers":{"User-Agent":["\#(chrome)","x\"y"]}"#),
                #""\#(chrome), x\"y""#,
                chromeMembers
            ),
            (
                DocumentRow.transaction(
                    #""otel":{"span_kind":"SERVER","attributes":{"user_agent.original":"\#(chrome)"}}"#
                ), #""\#(chrome)""#, chromeMembers
            ),
            (
                DocumentRow.request(#""headers":{"User-Agent":"?"}"#), #""?""#,
                #""name":"Other","device":{"name":"Other"}"#
            ),
        ]
    )
    func browsers(_ event: String, original: String, members: String) throws {
        let agent = try document(event)["user_agent"]
        #expect(try agent == JSONTree("{\"original\":\(original),\(members)}"), "\(event)")
    }

    @Test("say nothing of clients that are not named")
    func nothing() throws {
        let tree = try document(DocumentRow.request(#""headers":{"User-Agent":""}"#))
        #expect(tree["client"] == nil)
        #expect(tree["user_agent"] == nil)
    }

    @Test("are those of a browser's own request, in every kind of event")
    func ownRequest() throws {
        var request = DocumentRun.browser
        request.clientIP = "1.2.3.4"
        request.userAgent = Self.chrome
        for event in [DocumentRow.transaction(""), DocumentRow.span(#""start":1"#)] {
            let tree = try document(event, by: request)
            #expect(try tree["client"] == JSONTree(#"{"ip":"1.2.3.4","geo":\#(Self.place)}"#))
            #expect(
                try tree["user_agent"] == JSONTree(#"{"original":"\#(Self.chrome)",\#(Self.chromeMembers)}"#)
            )
        }
    }

    @Test("are left to pipelines that the store has")
    func storeHasPipelines() throws {
        let event = DocumentRow.request(
            #""headers":{"User-Agent":"\#(Self.chrome)"},"socket":{"remote_address":"1.2.3.4"}"#
        )
        let tree = try document(event, store: StoreTraits(hasBuiltInTemplates: true))
        #expect(try tree["client"] == JSONTree(#"{"ip":"1.2.3.4"}"#))
        #expect(try tree["user_agent"] == JSONTree(#"{"original":"\#(Self.chrome)"}"#))
    }
}
