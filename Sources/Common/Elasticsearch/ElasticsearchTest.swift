import Glibc

/// `test output`: goes to each server step by step, as the service would, and says how far it comes.
///
///     http://127.0.0.1:9200
///       resolve      OK    127.0.0.1
///       connect      OK
///       answer       OK    Elasticsearch 8.15.3
///       credentials  OK    none given, none asked for
///       privileges   OK    may write traces-apm*, logs-apm*, metrics-apm*
package struct ElasticsearchTest {
    private let settings: ElasticsearchSettings
    /// What the service writes to.
    private let patterns: [String]
    private let say: (String) -> Void

    /// - Parameter say: takes one line without its end.
    package init(_ settings: ElasticsearchSettings, patterns: [String], say: @escaping (String) -> Void) {
        self.settings = settings
        self.patterns = patterns
        self.say = say
    }

    /// Why a step failed, in words that say what to do.
    private struct Failure: Error { let reason: String }

    /// - Returns: whether every server passed every step.
    package func run() -> Bool {
        var isGood = true
        for host in settings.hosts {
            say(host.description)
            do throws(Failure) { try test(host) } catch {
                say("    \(error.reason)")
                isGood = false
            }
        }
        return isGood
    }

    private func test(_ host: HTTPServerAddress) throws(Failure) {
        let addresses = try step("resolve") { () throws(Failure) in
            do {
                let found = try Socket.resolve(host.name, port: host.port)
                return (found, found.map(\.host).joined(separator: ", "))
            } catch {
                throw Failure(reason: "\(error); check its spelling and the resolver")
            }
        }
        _ = try step("connect") { () throws(Failure) in ((), try connect(addresses)) }
        let client: HTTPClient
        do { client = try HTTPClient(settings.http) } catch { throw Failure(reason: error.description) }
        defer { client.close() }
        let product = try step("answer") { () throws(Failure) in try identify(client, host) }
        _ = try step("credentials") { () throws(Failure) in ((), credentials) }
        _ = try step("privileges") { () throws(Failure) in ((), try privileges(client, host, product)) }
    }

    /// Prints the step's name and how it ended.
    private func step<Result>(
        _ name: String,
        _ body: () throws(Failure) -> (Result, String)
    ) throws(Failure) -> Result {
        let title = "  " + name + String(repeating: " ", count: max(0, 13 - name.utf8.count))
        do throws(Failure) {
            let (result, detail) = try body()
            say(detail.isEmpty ? "\(title)OK" : "\(title)OK    \(detail)")
            return result
        } catch {
            say("\(title)FAILED")
            throw error
        }
    }

    // MARK: - Steps

    private func connect(_ addresses: [Socket.Address]) throws(Failure) -> String {
        var reason = "no address"
        for address in addresses {
            do throws(Errno) {
                let socket = try Socket.connect(to: address)
                var ready = pollfd(fd: socket.raw, events: Int16(POLLOUT), revents: 0)
                if poll(&ready, 1, settings.http.connectTimeout.milliseconds) == 0 {
                    reason =
                        "no connection to \(address) within connect_timeout; check address, port and firewall"
                } else if let error = Socket.connectionError(of: socket) {
                    reason = "\(address): \(error); is the server running and listening on this port?"
                } else {
                    return ""
                }
            } catch {
                reason = "\(address): \(error)"
            }
        }
        throw Failure(reason: reason)
    }

    private func identify(
        _ client: HTTPClient,
        _ host: HTTPServerAddress
    ) throws(Failure) -> (ElasticsearchProduct, String) {
        let response = try perform(.get, "/", client, host)
        switch response.status {
        case 200: break
        case 401:
            throw Failure(
                reason: "status 401: the credentials are wrong or missing; see username and api_key"
            )
        case 403: throw Failure(reason: "status 403: these credentials may not ask what the store is")
        default: throw Failure(reason: "status \(response.status) \(client.withBody { $0.excerpt })")
        }
        let product = client.withBody { ElasticsearchProduct($0, header: response.product) }
        guard let product else {
            throw Failure(
                reason: "what answers is neither Elasticsearch nor OpenSearch: it has no version.number"
            )
        }
        guard product.isSupported else {
            throw Failure(reason: "Elasticsearch \(product.version) is too old; 7.8 or later is needed")
        }
        return (product, "\(product.kind.rawValue) \(product.version)\(host.isTLS ? " over TLS" : "")")
    }

    private var credentials: String {
        switch settings.http.credentials {
        case .none: "none given, none asked for"
        case .basic(let username, _): "user \(username)"
        case .apiKey: "API key"
        }
    }

    private func privileges(
        _ client: HTTPClient,
        _ host: HTTPServerAddress,
        _ product: ElasticsearchProduct
    ) throws(Failure) -> String {
        guard product.kind == .elasticsearch else {
            return "not asked: \(product.kind.rawValue) has another API"
        }
        let names = patterns.map { #""\#($0)""# }.joined(separator: ",")
        let question = #"{"index":[{"names":[\#(names)],"privileges":["create_doc","auto_configure"]}]}"#
        let response = try perform(.post, "/_security/user/_has_privileges", client, host, question)
        guard response.status == 200 else { return "not asked: the store has no security" }
        let answer = client.withBody { body in
            JSONLookup.range(body, ["has_all_requested"]).map { body.text($0) }
        }
        guard answer != "false" else {
            throw Failure(
                reason: "may not write all of \(patterns.joined(separator: ", ")); "
                    + "grant create_doc and auto_configure"
            )
        }
        return "may write \(patterns.joined(separator: ", "))"
    }

    private func perform(
        _ method: HTTPClient.Method,
        _ path: String,
        _ client: HTTPClient,
        _ host: HTTPServerAddress,
        _ body: String? = nil
    ) throws(Failure) -> HTTPClient.Response {
        do throws(HTTPClientError) {
            guard let body else { return try client.perform(method, host, path) }
            return try Array(body.utf8).withUnsafeBufferPointer { (bytes) throws(HTTPClientError) in
                try client.perform(method, host, path, body: UnsafeRawBufferPointer(bytes))
            }
        } catch {
            throw Failure(reason: error.description)
        }
    }
}

extension RawSpan {
    /// The beginning of an answer, for a message.
    fileprivate var excerpt: String { text(0..<Swift.min(byteCount, 300)) }
}
