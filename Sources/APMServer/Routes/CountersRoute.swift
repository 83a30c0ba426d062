import Common

/// `/debug/vars`: the counters as JSON, when `expvar.enabled` asks for it.
struct CountersConfiguration: Equatable, Sendable {
    var isEnabled = false
    var url = "/debug/vars"

    init() {}

    init(_ reader: ConfigurationReader) {
        isEnabled = reader.bool("enabled", default: isEnabled)
        url = reader.string("url", default: url)
        if !url.hasPrefix("/") { reader.problem("url", "is a path; it starts with a slash") }
    }
}

struct CountersRoute: Sendable {
    private let metrics: Metrics

    init(_ metrics: Metrics) { self.metrics = metrics }

    func answer(to request: HTTPRequest) -> HTTPResponse {
        guard request.method == "GET" || request.method == "HEAD" else {
            return Answer.error(status: 405, "method not supported: \(request.method)", to: request)
        }
        var json = ByteBuffer(capacity: 4096)
        metrics.appendJSON(to: &json)
        return Answer.json(json.array, to: request)
    }
}
