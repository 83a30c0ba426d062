import Common

/// One OTLP export request: taken as a whole, turned into intake lines, answered when its events are safe.
///
/// Exporters send again after a 503 or a lost answer. What belongs to traces gets ids that follow from its content, so
/// that a second try stores nothing twice; data points and log records have no such identity, so for them 503 is the
/// answer only when nothing at all was kept, and a partial success otherwise.
final class OTLPStream: HTTPBodyStream {
    /// The same in every process, or a second try at another one would be a second document.
    private static let hash = SipHash(key: 0x656C_6B66_612D_6F74, 0x6C70_2D74_7261_6365)

    private let signal: OTLPSignal
    private let format: OTLPFormat
    private let worker: IntakeWorker
    private let translator: OTLPTranslator
    private let gate: EventGate?
    private let maxBytes: Int
    private let events: EventsInFlight
    private var decoder: BodyDecoder
    private var body = ByteBuffer()
    private var tally: OTLPTranslator.Tally?
    /// Items of the request, and events of all kinds that they became.
    private var accepted = (items: 0, events: 0)
    /// Of the whole request, when it was refused.
    private var failure: (status: Int, message: String)?

    init(
        _ signal: OTLPSignal,
        _ format: OTLPFormat,
        _ request: HTTPRequest,
        gate: EventGate?,
        worker: IntakeWorker,
        translator: OTLPTranslator,
        maxBytes: Int,
        _ exchange: any HTTPExchange
    ) {
        self.signal = signal
        self.format = format
        self.gate = gate
        self.worker = worker
        self.translator = translator
        self.maxBytes = maxBytes
        events = EventsInFlight(exchange)
        decoder = BodyDecoder(contentEncoding: request.header("Content-Encoding"), maxBytes: maxBytes)
    }

    func receive(_ bytes: RawSpan) -> HTTPStep {
        var offset = 0
        do throws(IntakeError) {
            while offset < bytes.byteCount {
                try decoder.decode(bytes, at: &offset, into: &body, maxOutput: 1 << 20)
            }
            return .proceed
        } catch {
            return refuse(error)
        }
    }

    func finish() -> HTTPStep {
        do throws(IntakeError) { try decoder.finish(into: &body) } catch { return refuse(error) }
        worker.metrics.bodyBytes.add(body.count)
        do throws(OTLPError) {
            tally = try body.withSpan { (bytes) throws(OTLPError) in try translate(bytes) }
        } catch {
            return refuse(IntakeError(.decode, error.description))
        }
        body = ByteBuffer()
        return resumed()
    }

    func resumed() -> HTTPStep {
        guard let tally else { return .proceed }
        guard events.isSettled else {
            worker.hasWaitingRequests = true
            return .wait
        }
        return .respond(answer(tally))
    }

    func cancelled() { worker.metrics.requestsCancelled.add() }

    func interrupted(by cause: HTTPInterruption) -> HTTPResponse { fail(503, cause.message) }

    // MARK: - Lines

    private func translate(_ bytes: RawSpan) throws(OTLPError) -> OTLPTranslator.Tally {
        // Without the client's address: what sends is often a collector.
        let context = RequestContext(received: Clock.now)
        var metadata: RequestMetadata?
        /// Hash of the metadata line.
        var owner: UInt64 = 0
        var refusal: (items: Int, error: IntakeError)?
        var tally = try translator.translate(signal, format, bytes) { line, text in
            do throws(IntakeError) {
                switch line {
                case .metadata:
                    metadata = try worker.metadata(text, context, gate)
                    owner = Self.hash.hash(text, 0..<text.byteCount).low
                case .event(let items):
                    guard let metadata else { throw IntakeError(.metadata, "the resource was refused") }
                    let id = signal == .traces ? Self.hash.hash(text, 0..<text.byteCount, tweak: owner) : nil
                    let taken = try worker.take(text, metadata, for: events, id: id.map(DocumentIDs.fixed))
                    guard taken > 0 else { return }
                    accepted = (accepted.items + items, accepted.events + taken)
                }
            } catch {
                worker.metrics.rejected(error, text)
                if line == .metadata { metadata = nil }
                guard case .event(let items) = line else { return }
                refusal = ((refusal?.items ?? 0) + items, refusal?.error ?? error)
            }
        }
        guard let refusal else { return tally }
        if tally.rejected == 0 { tally.reason = refusal.error.message }
        tally.rejected += refusal.items
        if accepted.events == 0, refusal.error.status != 400 {
            failure = (refusal.error.status, refusal.error.message)
        }
        return tally
    }

    // MARK: - Answers

    private func answer(_ tally: OTLPTranslator.Tally) -> HTTPResponse {
        if events.refused > 0 {
            worker.metrics.rejected(.queueFull)
            guard signal != .traces, events.refused < accepted.events else {
                return fail(503, IntakeError.queueFull.message)
            }
        }
        if let failure { return fail(failure.status, failure.message) }
        worker.metrics.answered(status: 200)
        let isFull = events.refused > 0
        let message = isFull ? IntakeError.queueFull.message : tally.reason
        let rejected = tally.rejected + min(events.refused, accepted.items)
        return respond(200, OTLPResponse.success(signal, format, rejected: rejected, message: message))
    }

    private func refuse(_ error: IntakeError) -> HTTPStep {
        worker.metrics.rejected(error)
        return .respond(fail(error.status, error.message))
    }

    private func fail(_ status: Int, _ message: String) -> HTTPResponse {
        worker.metrics.answered(status: status)
        let body = OTLPResponse.failure(format, OTLPResponse.Code(httpStatus: status), message)
        var response = respond(status, body)
        if status == 503 || status == 429 { response.headers.append(.init("Retry-After", "5")) }
        return response
    }

    private func respond(_ status: Int, _ body: [UInt8]) -> HTTPResponse {
        HTTPResponse(status: status, headers: [.init("Content-Type", format.contentType)], body: body)
    }
}
