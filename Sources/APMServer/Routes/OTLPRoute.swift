import Common

/// `/v1/traces`, `/v1/metrics`, `/v1/logs`: what OpenTelemetry's exporters send over HTTP.
struct OTLPRoute {
    let signal: OTLPSignal
    let worker: IntakeWorker
    let translator: OTLPTranslator
    /// What a body may inflate to; it is kept as a whole.
    let maxBodyBytes: Int

    /// - Parameter admission: of a client that may use this path.
    func open(_ request: HTTPRequest, _ admission: Admission, _ exchange: any HTTPExchange) -> HTTPOpening {
        guard request.method == "POST" else {
            let allow = HTTPRequest.Field("Allow", "POST")
            return .respond(
                Answer.error(status: 405, "only POST requests are supported", headers: [allow], to: request)
            )
        }
        let type = request.header("Content-Type") ?? ""
        guard let format = OTLPFormat(contentType: type) else {
            let message = "invalid content type: '\(type)'; send application/x-protobuf or application/json"
            return .respond(Answer.error(status: 415, message, to: request))
        }
        let stream = OTLPStream(
            signal,
            format,
            request,
            gate: admission.gate,
            worker: worker,
            translator: translator,
            maxBytes: maxBodyBytes,
            exchange
        )
        return .stream(stream)
    }
}
