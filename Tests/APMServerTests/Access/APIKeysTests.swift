import Common
import Testing

@testable import APMServer

@Suite("API key cache")
struct APIKeyCacheTests {
    private static let second: Int64 = 1_000_000_000
    private static let granted = APIKeyCache.Verdict.granted([.writeEvents])

    /// What a look-up tells, as text.
    private func look(_ cache: inout APIKeyCache, _ key: String, at seconds: Int64) -> String {
        switch cache.lookUp(key, now: seconds * Self.second) {
        case .known(let verdict): "\(verdict == Self.granted ? "granted" : "\(verdict)")"
        case .pending: "pending"
        case .ask: "ask"
        case .full: "full"
        }
    }

    @Test("asks once, and keeps what was said for a minute, refusals too")
    func lifetime() {
        for (verdict, text) in [(Self.granted, "granted"), (.refused, "refused")] {
            var cache = APIKeyCache(limit: 2)
            #expect(look(&cache, "a", at: 0) == "ask")
            #expect(look(&cache, "a", at: 0) == "pending")
            #expect(cache.settle("a", verdict, now: 1 * Self.second) == verdict)
            #expect(look(&cache, "a", at: 60) == text)
            #expect(look(&cache, "a", at: 61) == "ask")
        }
    }

    @Test("has room for so many keys, and wrong ones cannot take it from right ones")
    func limit() {
        var cache = APIKeyCache(limit: 2)
        #expect(look(&cache, "good", at: 0) == "ask")
        #expect(cache.settle("good", Self.granted, now: 0) == Self.granted)
        #expect(look(&cache, "bad", at: 0) == "ask")
        #expect(cache.settle("bad", .refused, now: 0) == .refused)
        #expect(look(&cache, "third", at: 1) == "full")
        // A minute later the refused one makes room, the good one stays although it has to be asked again.
        #expect(look(&cache, "worse", at: 61) == "ask")
        #expect(cache.settle("worse", .refused, now: 61 * Self.second) == .refused)
        #expect(look(&cache, "third", at: 62) == "full")
        #expect(look(&cache, "good", at: 62) == "ask")
        #expect(cache.settle("good", Self.granted, now: 62 * Self.second) == Self.granted)
        // Not used for five minutes, it goes too.
        #expect(look(&cache, "third", at: 400) == "ask")
        #expect(look(&cache, "fourth", at: 400) == "ask")
    }

    @Test("lets keys in that were good while Elasticsearch cannot be asked, for an hour")
    func grace() {
        var cache = APIKeyCache(limit: 2)
        #expect(look(&cache, "new", at: 0) == "ask")
        #expect(cache.settle("new", .unavailable, now: 0) == .unavailable)
        #expect(look(&cache, "new", at: 4) == "unavailable")
        #expect(look(&cache, "new", at: 5) == "ask")
        #expect(cache.settle("new", Self.granted, now: 5 * Self.second) == Self.granted)
        #expect(look(&cache, "new", at: 65) == "ask")
        #expect(cache.settle("new", .unavailable, now: 65 * Self.second) == Self.granted)
        #expect(look(&cache, "new", at: 69) == "granted")
        #expect(look(&cache, "new", at: 3605) == "ask")
        #expect(cache.settle("new", .unavailable, now: 3605 * Self.second) == .unavailable)
        // Refused once, there is no grace any more.
        #expect(look(&cache, "new", at: 3700) == "ask")
        #expect(cache.settle("new", Self.granted, now: 3700 * Self.second) == Self.granted)
        #expect(look(&cache, "new", at: 3800) == "ask")
        #expect(cache.settle("new", .refused, now: 3800 * Self.second) == .refused)
        #expect(look(&cache, "new", at: 3900) == "ask")
        #expect(cache.settle("new", .unavailable, now: 3900 * Self.second) == .unavailable)
    }
}

@Suite("API keys")
struct APIKeysTests {
    private static let path = "/_security/user/_has_privileges"

    private func answer(_ status: Int, _ events: Bool, _ configuration: Bool) -> HTTPResponse {
        let application =
            #"{"apm":{"-":{"config_agent:read":\#(configuration),"event:write":\#(events),"sourcemap:write":false}}}"#
        return .json(status: status, Array(#"{"username":"u","application":\#(application)}"#.utf8))
    }

    /// Asks about the keys and answers what was said of each.
    private func verdicts(_ store: FakeElasticsearch, _ keys: [Substring]) throws -> [APIKeyCache.Verdict?] {
        let apiKeys = try APIKeys(limit: 10, store.settings)
        defer { apiKeys.stop() }
        return keys.map { key in
            switch apiKeys.lookUp(key, now: Clock.monotonic) {
            case .known(let verdict): return verdict
            case .pending(let check):
                let signal = Signal()
                check.whenSettled { signal.fire() }
                #expect(signal.wait())
                return check.verdict
            case .ask, .full: return nil
            }
        }
    }

    @Test("asks Elasticsearch with the client's own key")
    func asks() throws {
        let store = try FakeElasticsearch(Self.path) { [self] request in
            switch request.header("Authorization") {
            case "ApiKey YTpi": answer(200, true, false)
            case "ApiKey YTpj": answer(200, true, true)
            case "ApiKey YTpk": answer(200, false, false)
            case "ApiKey YTpl": answer(401, false, false)
            case "ApiKey YTpm": answer(500, false, false)
            default: HTTPResponse(status: 418)
            }
        }
        defer { store.stop() }
        let found = try verdicts(store, ["YTpi", "YTpj", "YTpk", "YTpl", "YTpm", "YTpi"])
        #expect(
            found == [
                .granted(.writeEvents), .granted([.writeEvents, .readConfiguration]), .refused, .refused,
                .unavailable, .granted(.writeEvents),
            ]
        )
        let requests = store.requests
        #expect(requests.count == 5 && requests.allSatisfy { $0.method == "POST" })
        #expect(
            String(decoding: requests[0].body, as: UTF8.self)
                == #"{"application":[{"application":"apm","privileges":["config_agent:read","event:write","#
                + #""sourcemap:write"],"resources":["-"]}]}"#
        )
    }

    @Test("does not ask about what cannot be a key")
    func noKeys() throws {
        let store = try FakeElasticsearch(Self.path) { _ in HTTPResponse(status: 200) }
        defer { store.stop() }
        let long = Base64.encode(Array(repeating: UInt8(ascii: ":"), count: 1000))
        let found = try verdicts(store, ["", "a", "YWI=", "Omtl", "Y:pi", "YTpi\"", Substring(long)])
        #expect(found == Array(repeating: .refused, count: 7))
        #expect(store.requests.isEmpty)
    }

    @Test("lets nobody wait behind others when Elasticsearch does not answer")
    func silence() throws {
        // Connections are made, and nobody reads.
        let listener = try Socket.listen(on: Socket.resolve("127.0.0.1", port: 0)[0])
        let port = try Socket.localAddress(of: listener.raw).port
        var settings = ElasticsearchSettings(hosts: [try HTTPServerAddress("http://127.0.0.1:\(port)")])
        settings.http.timeout = .milliseconds(200)
        let apiKeys = try APIKeys(limit: 20, settings)
        defer { apiKeys.stop() }
        let start = Clock.monotonic
        let signals = (0..<20).map { number in
            let key = Base64.encode(Array("key\(number):x".utf8))
            let signal = Signal()
            guard case .pending(let check) = apiKeys.lookUp(Substring(key), now: start) else {
                Issue.record("it is not asked about")
                return signal
            }
            check.whenSettled { signal.fire() }
            return signal
        }
        for signal in signals { #expect(signal.wait()) }
        // One after the other would take four seconds.
        #expect(Clock.monotonic - start < 2_000_000_000)
        _ = consume listener
    }

    @Test("says unavailable without Elasticsearch, also to those that wait when the service stops")
    func unavailable() throws {
        let store = try FakeElasticsearch(Self.path) { _ in HTTPResponse(status: 200) }
        store.stop()
        #expect(try verdicts(store, ["YTpi"]) == [.unavailable])
        let apiKeys = try APIKeys(limit: 10, store.settings)
        apiKeys.stop()
        guard case .pending(let check) = apiKeys.lookUp("YTpi", now: 0) else {
            Issue.record("it is settled at once")
            return
        }
        #expect(check.verdict == .unavailable)
    }
}
