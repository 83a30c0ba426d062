import Common

/// One intake request: its body becomes events while it arrives, its answer waits until they are safe.
final class IntakeStream: HTTPBodyStream {
    /// What the request's head says, and what is allowed.
    struct Settings {
        var context: RequestContext
        /// For clients that may not send everything.
        var gate: EventGate?
        var contentEncoding: String?
        /// nil for a chunked body.
        var contentLength: Int?
        var isVerbose = false
        var maxEventBytes = 307_200
        var maxDecompressedBytes = 128 << 20
        /// Makes the response of a status and a JSON body by the request's `Accept`.
        var respond: (_ status: Int, _ body: [UInt8]) -> HTTPResponse
    }

    /// Bodies announced up to this are inflated as a whole, at three times the speed; others as they arrive.
    private static let maxCollectedBytes = 64 << 10
    /// What a collected body may inflate to; more of it is worth the slower way.
    private static let maxWholeBytes = 4 << 20
    /// Decoded bytes per step, and per turn: a body that inflates a thousandfold must not keep others waiting.
    private static let stepBytes = 64 << 10
    private static let turnBytes = 2 << 20

    private let worker: IntakeWorker
    private let exchange: any HTTPExchange
    private let settings: Settings
    private var body: BodyDecoder
    private let lines: IntakeLines

    /// A body that comes as a whole; nil when it is decoded as it arrives.
    private var collected: ByteBuffer?
    /// Input that has not been decoded yet, because this request has to wait or has had its turn.
    private var rest = ByteBuffer()
    private var restOffset = 0
    private var isBodyComplete = false
    private var isLineEndReached = false

    init(_ worker: IntakeWorker, _ exchange: any HTTPExchange, _ settings: Settings) {
        self.worker = worker
        self.exchange = exchange
        self.settings = settings
        body = BodyDecoder(
            contentEncoding: settings.contentEncoding,
            maxBytes: settings.maxDecompressedBytes
        )
        lines = IntakeLines(worker, settings, EventsInFlight(exchange))
        // Of a client that may be slowed down no more is decoded than it may send.
        if settings.gate == nil, let length = settings.contentLength, length <= Self.maxCollectedBytes {
            collected = ByteBuffer(capacity: length)
        }
    }

    // MARK: - What the server calls

    func receive(_ bytes: RawSpan) -> HTTPStep {
        if collected != nil {
            collected?.append(bytes)
            return .proceed
        }
        guard rest.isEmpty, lines.pausedSince == nil else {
            rest.append(bytes)
            return .wait
        }
        begin(bytes)
        return step()
    }

    func finish() -> HTTPStep {
        isBodyComplete = true
        decodeCollected()
        return step()
    }

    func resumed() -> HTTPStep {
        decodeCollected()
        lines.endPause()
        if !rest.isEmpty, lines.pausedSince == nil {
            var offset = restOffset
            rest.withSpan { decode($0, at: &offset) }
            restOffset = offset
            if offset == rest.count || lines.hasEnded {
                rest.removeAll()
                rest.shrink(to: 0)
                restOffset = 0
            }
        }
        return step()
    }

    func cancelled() { worker.metrics.requestsCancelled.add() }

    func interrupted(by cause: HTTPInterruption) -> HTTPResponse {
        switch cause {
        case .stop:
            lines.end(IntakeError(status: 503, .closing, cause.message))
            return response
        case .timeout:
            worker.metrics.answered(status: 503)
            return settings.respond(503, Array(#"{"error":"\#(cause.message)"}"#.utf8))
        }
    }

    // MARK: - Steps

    private func step() -> HTTPStep {
        lines.takeRefusals()
        let isRead = isBodyComplete && collected == nil && rest.isEmpty && !lines.isHoldingBack
        if isRead, !isLineEndReached, !lines.hasEnded { endOfBody() }
        if lines.hasEnded || isLineEndReached {
            if lines.events.isSettled { return .respond(response) }
            worker.hasWaitingRequests = true
            return .wait
        }
        if let since = lines.pausedSince {
            worker.wake(lines.events, at: lines.endOfPause(), since: since)
            return .wait
        }
        if worker.isFull {
            worker.wakeWhenRoom(lines.events)
            return .wait
        }
        guard rest.isEmpty else {
            // What is left comes in the next turn, after the others'.
            exchange.wake()
            return .wait
        }
        return .proceed
    }

    private var response: HTTPResponse {
        let answer = lines.answer
        worker.metrics.answered(status: answer.status)
        var response = settings.respond(answer.status, answer.body(isVerbose: settings.isVerbose))
        response.closesConnection = answer.status >= 400
        return response
    }

    // MARK: - The body

    /// Decodes a body that was collected and is complete, as soon as the worker has room for its events.
    private func decodeCollected() {
        guard isBodyComplete, !worker.isFull, var whole = collected.take() else { return }
        decodeWhole(&whole)
    }

    /// The fast way for a body that is here as a whole; what it cannot do goes the other way.
    private func decodeWhole(_ whole: inout ByteBuffer) {
        let format = BodyDecoder.declared(settings.contentEncoding) ?? whole.sniffedFormat
        if format != .plain, whole.count > 2, worker.inflate(whole, format, maxBytes: Self.maxWholeBytes) {
            worker.metrics.bodyBytes.add(worker.inflated.count)
            let inflated = worker.takeInflated()
            inflated.withSpan { lines.feed($0) }
            worker.giveBackInflated(inflated)
            return
        }
        whole.withSpan { begin($0) }
    }

    /// Decodes from input that comes first; what this turn leaves of it is kept.
    private func begin(_ input: RawSpan) {
        var offset = 0
        decode(input, at: &offset)
        if offset < input.byteCount, !lines.hasEnded { rest.append(input, offset..<input.byteCount) }
    }

    /// Decodes from `input` until it is used up, this turn is over or the worker is full.
    private func decode(_ input: RawSpan, at offset: inout Int) {
        var turn = 0
        while offset < input.byteCount, turn < Self.turnBytes, !worker.isFull, !lines.hasEnded,
            lines.pausedSince == nil
        {
            var piece = worker.takeInflated()
            piece.removeAll()
            var damage: IntakeError?
            do throws(IntakeError) {
                try body.decode(input, at: &offset, into: &piece, maxOutput: Self.stepBytes)
            } catch {
                damage = error
            }
            turn += piece.count
            worker.metrics.bodyBytes.add(piece.count)
            piece.withSpan { lines.feed($0) }
            worker.giveBackInflated(piece)
            // What stands before the damage counts.
            if let damage { lines.end(damage) }
        }
    }

    private func endOfBody() {
        isLineEndReached = true
        var last = ByteBuffer()
        do throws(IntakeError) { try body.finish(into: &last) } catch { lines.end(error) }
        last.withSpan { lines.feed($0) }
        lines.finish()
    }
}

extension ByteBuffer {
    /// What compression the first two bytes look like.
    fileprivate var sniffedFormat: BodyDecoder.Format {
        count < 2 ? .plain : BodyDecoder.sniffed(self[0], self[1])
    }
}
