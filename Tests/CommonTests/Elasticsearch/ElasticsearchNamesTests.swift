import Common
import Testing

@Suite("Server addresses, products and health")
struct ElasticsearchNamesTests {
    @Test(
        "reads addresses",
        arguments: [
            ("http://es-1:9200", "http://es-1:9200", false), ("es-1", "http://es-1:9200", false),
            ("HTTPS://es.example/", "https://es.example:9200", true),
            ("https://es.example:443/a/b/", "https://es.example:443/a/b", true),
            ("[::1]:9201", "http://[::1]:9201", false), ("http://[::1]", "http://[::1]:9200", false),
        ]
    )
    func addresses(_ text: String, expected: String, isTLS: Bool) throws {
        let address = try HTTPServerAddress(text)
        #expect(address.description == expected)
        #expect(address.isTLS == isTLS)
    }

    @Test(
        "refuses addresses, without repeating a password",
        arguments: [
            "", "http://", "ftp://a", "http://elastic:sesame@es", "a b", "es:0", "es:70000", "es:x", "::1",
            "a?b=/c",
            "http://es/x?y", "http://es/ü",
        ]
    )
    func badAddresses(_ text: String) {
        let problem = #expect(throws: HTTPServerAddress.Problem.self) { try HTTPServerAddress(text) }
        #expect(problem?.description.contains("sesame") == false)
    }

    @Test(
        "recognises products",
        arguments: [
            (
                #"{"version":{"number":"8.15.3","build_flavor":"default"}}"#, "Elasticsearch", .elasticsearch,
                true
            ),
            (#"{"tagline":"You Know, for Search","version":{"number":"7.17.9"}}"#, "", .elasticsearch, true),
            (#"{"tagline":"You Know, for Search","version":{"number":"6.8.0"}}"#, "", .elasticsearch, false),
            (
                #"{"version":{"distribution":"opensearch","number":"2.11.0"}}"#, "Elasticsearch", .openSearch,
                true
            ),
            (#"{"version":{"number":"1.0"}}"#, "", .unknown, true),
        ] as [(String, String, ElasticsearchProduct.Kind, Bool)]
    )
    func products(_ text: String, header: String, kind: ElasticsearchProduct.Kind, isSupported: Bool) {
        let product = ElasticsearchProduct(Array(text.utf8).span.bytes, header: header)
        #expect(product?.kind == kind)
        #expect(product?.isSupported == isSupported)
    }

    @Test("has no product in a page without a version", arguments: ["", "{}", "<html>", #"{"version":"8"}"#])
    func noProduct(_ text: String) {
        #expect(ElasticsearchProduct(Array(text.utf8).span.bytes, header: "Elasticsearch") == nil)
    }

    @Test("health names the worst problem since it began")
    func health() {
        var health = BulkHealth()
        let now = CalendarTime(seconds: 4)
        #expect(health.worst(now: now) == nil)
        health.raise(.documents, .degraded, "429", now: CalendarTime(seconds: 1))
        health.raise(.store, .down, "refused", now: CalendarTime(seconds: 2))
        health.raise(.store, .down, "still refused", now: CalendarTime(seconds: 3))
        #expect(
            health.worst(now: now)
                == BulkHealth.Problem(state: .down, reason: "still refused", since: CalendarTime(seconds: 2))
        )
        health.clear(.store)
        #expect(health.state(now: now) == .degraded)
        health.clear(.documents)
        #expect(health.state(now: now) == .ok)
    }

    @Test("what lasts is no longer a hiccup, but for documents that are turned back under load")
    func lasting() {
        for (subject, later) in [
            (BulkHealth.Subject.store, BulkHealth.State.down), (.held, .down), (.documents, .degraded),
        ] {
            var health = BulkHealth()
            health.raise(subject, .degraded, "503", now: CalendarTime(seconds: 10))
            health.raise(subject, .degraded, "503", now: CalendarTime(seconds: 14))
            #expect(health.state(now: CalendarTime(seconds: 14)) == .degraded)
            #expect(health.state(now: CalendarTime(seconds: 15)) == later)
            health.clear(subject)
            health.raise(subject, .degraded, "503", now: CalendarTime(seconds: 20))
            #expect(health.state(now: CalendarTime(seconds: 21)) == .degraded)
        }
    }
}
