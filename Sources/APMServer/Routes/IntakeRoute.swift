import Common

/// `/intake/v2/events` and the two paths of RUM agents: the streams of events.
struct IntakeRoute {
    /// What the configuration says about streams.
    struct Settings: Sendable {
        /// A line with its newline.
        var maxEventBytes = 307_200
        /// What one body may inflate to.
        var maxDecompressedBytes = 128 << 20
        /// Whether addresses and user agents of clients are stored.
        var capturesPersonalData = true
    }

    let worker: IntakeWorker
    let settings: Settings
    /// Whether it is for browsers; both dialects are taken on every path.
    let isRUM: Bool

    /// - Parameter admission: of a client that may use this path.
    func open(_ request: HTTPRequest, _ admission: Admission, _ exchange: any HTTPExchange) -> HTTPOpening {
        guard request.method == "POST" else { return refuse("only POST requests are supported", request) }
        let type = request.header("Content-Type") ?? ""
        guard type.isEmpty || type.contains("application/x-ndjson") else {
            return refuse("invalid content type: '\(type)'", request)
        }
        let stream = IntakeStream(
            worker,
            exchange,
            IntakeStream.Settings(
                context: context(request, admission.client),
                gate: admission.gate,
                contentEncoding: request.header("Content-Encoding"),
                contentLength: request.header("Content-Length").flatMap { Int($0) },
                isVerbose: request.parameter("verbose") != nil,
                maxEventBytes: settings.maxEventBytes,
                maxDecompressedBytes: settings.maxDecompressedBytes,
                respond: { status, body in Answer.json(status: status, body, to: request) }
            )
        )
        return .stream(stream)
    }

    private func context(_ request: HTTPRequest, _ client: ClientAddress) -> RequestContext {
        var context = RequestContext(received: Clock.now, isRUM: isRUM)
        guard settings.capturesPersonalData else { return context }
        context.clientIP = client.ip
        context.clientPort = client.port
        context.natIP = client.natIP
        context.userAgent = request.header("User-Agent") ?? ""
        return context
    }

    private func refuse(_ message: String, _ request: HTTPRequest) -> HTTPOpening {
        let error = IntakeError(.other, message)
        worker.metrics.rejected(error)
        worker.metrics.answered(status: error.status)
        var answer = IntakeAnswer()
        answer.end(error)
        var response = Answer.json(status: error.status, answer.body(isVerbose: false), to: request)
        response.closesConnection = true
        return .respond(response)
    }
}
