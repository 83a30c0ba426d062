import Glibc

/// `test output`: goes to each server step by step, as the service would, and says how far it comes.
///
///     https://127.0.0.1:9200
///       resolve      OK    127.0.0.1
///       connect      OK
///       TLS          OK
///       answer       OK    Elasticsearch 8.15.3
///       credentials  OK    none given, none asked for
///       privileges   OK    may write traces-apm*, logs-apm*, metrics-apm*
package struct ElasticsearchTest {
    private let settings: ElasticsearchSettings
    /// What the service writes to.
    private let patterns: [String]
    private let steps: StepwiseTest

    /// - Parameter say: takes one line without its end.
    package init(_ settings: ElasticsearchSettings, patterns: [String], say: @escaping (String) -> Void) {
        self.settings = settings
        self.patterns = patterns
        steps = StepwiseTest(say: say)
    }

    private typealias Failure = StepwiseTest.Failure

    /// - Returns: whether every server passed every step.
    package func run() -> Bool {
        steps.run(settings.hosts, title: { $0.description }) { host throws(Failure) in try test(host) }
    }

    private func test(_ host: HTTPServerAddress) throws(Failure) {
        let addresses = try steps.step("resolve") { () throws(Failure) in
            do {
                let found = try Socket.resolve(host.name, port: host.port)
                return (found, found.map(\.host).joined(separator: ", "))
            } catch {
                throw Failure(reason: "\(error); check its spelling and the resolver")
            }
        }
        try steps.step("connect") { () throws(Failure) in ((), try connect(addresses)) }
        let client: HTTPClient
        do { client = try HTTPClient(settings.http) } catch { throw Failure(reason: error.description) }
        defer { client.close() }
        // One request does all three steps.
        let answer = perform(.get, "/", client, host)
        if host.isTLS { try steps.step("TLS") { () throws(Failure) in ((), try handshake(answer)) } }
        let response = try steps.step("answer") { () throws(Failure) in try accept(answer, client, host) }
        try steps.step("credentials") { () throws(Failure) in ((), try credentials(response)) }
        guard let product = response.product else { return }
        try steps.step("privileges") { () throws(Failure) in ((), try privileges(client, host, product)) }
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

    private typealias Answer = Result<HTTPClient.Response, HTTPClientError>

    private func handshake(_ answer: Answer) throws(Failure) -> String {
        guard case .failure(let error) = answer, case .tls = error.reason else { return "" }
        throw Failure(reason: error.explanation)
    }

    /// What the server says of itself: its product, or that it wants other credentials before it says anything.
    private func accept(
        _ answer: Answer,
        _ client: HTTPClient,
        _ host: HTTPServerAddress
    ) throws(Failure) -> ((status: Int, product: ElasticsearchProduct?), String) {
        let response: HTTPClient.Response
        switch answer {
        case .success(let success): response = success
        case .failure(let error):
            // Servers hang up on a request where a TLS handshake should come.
            if case .cut = error.reason, !host.isTLS {
                throw Failure(
                    reason: "\(error.explanation); if the server speaks TLS, use https:// for this host"
                )
            }
            throw Failure(reason: error.explanation)
        }
        switch response.status {
        case 200: break
        case 401, 403: return ((response.status, nil), "")
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
        let name = product.kind == .unknown ? "another product that speaks its API," : product.kind.rawValue
        return ((response.status, product), "\(name) \(product.version)")
    }

    private func credentials(_ response: (status: Int, product: ElasticsearchProduct?)) throws(Failure)
        -> String
    {
        switch (settings.http.credentials, response.status) {
        case (.none, 401):
            throw Failure(reason: "status 401: credentials are needed; see username and api_key")
        case (.basic(let username, _), 401):
            throw Failure(reason: "status 401: user \(username) is unknown or the password is wrong")
        case (.apiKey, 401):
            throw Failure(reason: "status 401: the API key is unknown, expired or incomplete")
        case (_, 403):
            throw Failure(
                reason: "status 403: these credentials may not ask what the store is; "
                    + "grant the cluster privilege monitor"
            )
        case (.none, _): return "none given, none asked for"
        case (.basic(let username, _), _): return "user \(username)"
        case (.apiKey, _): return "API key"
        }
    }

    private func privileges(
        _ client: HTTPClient,
        _ host: HTTPServerAddress,
        _ product: ElasticsearchProduct
    ) throws(Failure) -> String {
        guard product.kind == .elasticsearch else {
            return "not asked: only Elasticsearch has the API for it"
        }
        let names = patterns.map { #""\#($0)""# }.joined(separator: ",")
        let question = #"{"index":[{"names":[\#(names)],"privileges":["create_doc","auto_configure"]}]}"#
        let response: HTTPClient.Response
        do {
            response = try perform(.post, "/_security/user/_has_privileges", client, host, question).get()
        } catch {
            throw Failure(reason: error.explanation)
        }
        switch response.status {
        case 200: break
        // Nobody is there to answer: what that looks like depends on version and build.
        case 400, 404, 405, 500, 501: return "not asked: the store has no security"
        default: throw Failure(reason: "status \(response.status) \(client.withBody { $0.excerpt })")
        }
        let answer = client.withBody { body in
            JSONLookup.range(body, ["has_all_requested"]).map { body.text($0) }
        }
        guard answer != "false" else {
            throw Failure(
                reason:
                    "may not write all of \(patterns.joined(separator: ", ")); grant create_doc and auto_configure"
            )
        }
        return "may write \(patterns.joined(separator: ", "))"
    }

    private func perform(
        _ method: HTTPClient.Method,
        _ path: String,
        _ client: HTTPClient,
        _ host: HTTPServerAddress,
        _ body: String = ""
    ) -> Answer {
        let bytes = Array(body.utf8)
        return Answer { () throws(HTTPClientError) in
            guard !bytes.isEmpty else { return try client.perform(method, host, path) }
            return try bytes.withUnsafeBufferPointer { (bytes) throws(HTTPClientError) in
                try client.perform(method, host, path, body: UnsafeRawBufferPointer(bytes))
            }
        }
    }
}

extension RawSpan {
    /// The beginning of an answer on one line, for a message.
    fileprivate var excerpt: String {
        text(0..<Swift.min(byteCount, 300)).split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }
}
