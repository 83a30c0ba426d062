import Common

/// Asks Elasticsearch questions from a background thread, the hosts one after the other until one answers.
///
/// Used by one thread, and closed by it.
struct ElasticsearchReader: Sendable {
    /// Agents and requests wait for what is asked here.
    private static let timeout = Duration.seconds(10)
    private static let connectTimeout = Duration.seconds(3)

    private let client: HTTPClient
    private let hosts: [HTTPServerAddress]
    /// The host that answered last.
    private var preferred = 0

    init(
        _ settings: ElasticsearchSettings,
        cancellation: HTTPClient.Cancellation
    ) throws(HTTPClientError) {
        var http = settings.http
        http.timeout = min(http.timeout, Self.timeout)
        http.connectTimeout = min(http.connectTimeout, Self.connectTimeout)
        client = try HTTPClient(http, cancellation: cancellation)
        hosts = settings.hosts
    }

    func close() { client.close() }

    /// Posts a JSON body and waits for the answer.
    ///
    /// - Parameter authorization: the value of that header, when it is not the settings'.
    /// - Returns: the status of the answer, whatever it is; `withBody` has its body.
    /// - Throws: the error of the last host, when none answers.
    mutating func post(
        _ path: String,
        _ body: [UInt8],
        authorization: String? = nil
    ) throws(HTTPClientError) -> Int {
        var failure = HTTPClientError(.configuration("no hosts are configured"), server: "elasticsearch")
        for attempt in hosts.indices {
            let index = (preferred + attempt) % hosts.count
            do throws(HTTPClientError) {
                let status = try post(path, body, to: hosts[index], authorization)
                preferred = index
                return status
            } catch {
                failure = error
                if error.reason == .cancelled { break }
            }
        }
        throw failure
    }

    private func post(
        _ path: String,
        _ body: [UInt8],
        to host: HTTPServerAddress,
        _ authorization: String?
    ) throws(HTTPClientError) -> Int {
        // Array's own `withUnsafeBytes` has no typed throws.
        var buffer = ByteBuffer(capacity: body.count)
        buffer.append(body)
        return try buffer.withUnsafeBytes { bytes throws(HTTPClientError) in
            try client.perform(.post, host, path, authorization: authorization, body: bytes).status
        }
    }

    /// The body of the last answer.
    func withBody<Result>(_ body: (RawSpan) -> Result) -> Result { client.withBody(body) }
}
