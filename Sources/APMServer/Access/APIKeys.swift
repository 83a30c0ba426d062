import Common
import Synchronization

/// Asks Elasticsearch what API keys may do, on a thread of its own.
///
/// Source: `POST /_security/user/_has_privileges` of Elasticsearch, asked with the client's own credentials:
///
///     {"application":{"apm":{"-":{"config_agent:read":true,"event:write":true,"sourcemap:write":false}}}}
final class APIKeys: Sendable {
    private struct Queue: Sendable {
        var questions: [(credential: String, check: APIKeyCheck)] = []
        var isStopping = false
    }

    private static let question = Array(
        (#"{"application":[{"application":"apm","privileges":["config_agent:read","event:write","#
            + #""sourcemap:write"],"resources":["-"]}]}"#).utf8
    )
    /// The base64 of a key's id and secret has 60 bytes; longer than this is no key.
    private static let maxCredentialBytes = 1024

    private let cache: Mutex<APIKeyCache>
    private let queue = Monitor(Queue())
    private let cancellation = HTTPClient.Cancellation()
    private let thread = Mutex<Thread?>(nil)

    /// - Parameters:
    ///   - limit: keys a minute.
    ///   - settings: where Elasticsearch is; credentials in them are not used.
    /// - Throws: `HTTPClientError` for unusable certificate files, `Errno` without a thread.
    init(limit: Int, _ settings: ElasticsearchSettings) throws {
        cache = Mutex(APIKeyCache(limit: limit))
        var settings = settings
        settings.http.credentials = .none
        let reader = try ElasticsearchReader(settings, cancellation: cancellation)
        let started = try Thread("api-keys") { [self] in run(reader) }
        thread.withLock { $0 = started }
    }

    /// Ends the thread; keys that were not asked for yet are `unavailable`.
    func stop() {
        queue.change { $0.isStopping = true }
        cancellation.cancel()
        thread.withLock { $0.take() }?.join()
    }

    /// What is known of a key now; never blocks.
    ///
    /// - Parameters:
    ///   - credential: what stands behind `ApiKey` in the header.
    ///   - now: monotonic nanoseconds.
    func lookUp(_ credential: Substring, now: Int64) -> APIKeyCache.Lookup {
        guard Self.isCredential(credential) else { return .known(.refused) }
        let credential = String(credential)
        let lookup = cache.withLock { $0.lookUp(credential, now: now) }
        if case .full = lookup {
            let advice = "too many API keys in a minute; raise auth.api_key.limit if all of them are in use"
            Log.limited(.warning, key: "api-key-limit", advice)
        }
        guard case .ask(let check) = lookup else { return lookup }
        let isStopping = queue.change { queue in
            if !queue.isStopping { queue.questions.append((credential, check)) }
            return queue.isStopping
        }
        if isStopping { settle(credential, .unavailable, check) }
        return .pending(check)
    }

    /// Base64 of `ID:KEY`: what else comes cannot be a key, and is not passed on.
    private static func isCredential(_ text: Substring) -> Bool {
        guard text.utf8.count <= maxCredentialBytes, let decoded = Base64.decode(text) else { return false }
        guard let colon = decoded.firstIndex(of: UInt8(ascii: ":")) else { return false }
        return colon > 0
    }

    private func settle(_ credential: String, _ verdict: APIKeyCache.Verdict, _ check: APIKeyCheck) {
        check.settle(cache.withLock { $0.settle(credential, verdict, now: Clock.monotonic) })
    }

    // MARK: - The thread

    private func run(_ reader: ElasticsearchReader) {
        var reader = reader
        while let (credential, check) = next() {
            if !cancellation.isCancelled, let verdict = ask(credential, &reader) {
                settle(credential, verdict, check)
            } else {
                settle(credential, .unavailable, check)
                // Those behind it would wait as long, one after the other.
                for (credential, check) in takeQuestions() { settle(credential, .unavailable, check) }
            }
        }
        reader.close()
    }

    /// nil when the service stops and nobody waits any more.
    private func next() -> (credential: String, check: APIKeyCheck)? {
        queue.wait { queue in
            if !queue.questions.isEmpty { return .proceed(queue.questions.removeFirst()) }
            return queue.isStopping ? .proceed(nil) : .wait(until: .max)
        }
    }

    private func takeQuestions() -> [(credential: String, check: APIKeyCheck)] {
        queue.update { queue in
            defer { queue.questions = [] }
            return queue.questions
        }
    }

    /// - Returns: nil without an answer.
    private func ask(_ credential: String, _ reader: inout ElasticsearchReader) -> APIKeyCache.Verdict? {
        do throws(HTTPClientError) {
            let status = try reader.post(
                "/_security/user/_has_privileges",
                Self.question,
                authorization: "ApiKey \(credential)"
            )
            switch status {
            case 200: return reader.withBody { Self.verdict($0) }
            case 401: return .refused
            default:
                Log.limited(
                    .warning,
                    key: "api-keys-status",
                    "Elasticsearch does not say what an API key may do",
                    ["status": String(status)]
                )
                return .unavailable
            }
        } catch {
            Log.limited(
                .warning,
                key: "api-keys",
                "cannot ask Elasticsearch about an API key",
                ["reason": error.description]
            )
            return nil
        }
    }

    private static func verdict(_ answer: RawSpan) -> APIKeyCache.Verdict {
        var privileges: Identity.Privileges = []
        for (name, privilege) in [
            ("event:write", Identity.Privileges.writeEvents), ("config_agent:read", .readConfiguration),
            ("sourcemap:write", .writeSourceMaps),
        ] {
            guard let range = JSONLookup.range(answer, ["application", "apm", "-", name]) else { continue }
            if answer.equals("true", range) { privileges.insert(privilege) }
        }
        return privileges.isEmpty ? .refused : .granted(privileges)
    }
}
