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
    private var lines: LineReader
    private var metadata: RequestMetadata?
    private var answer = IntakeAnswer()

    /// A body that comes as a whole; nil when it is decoded as it arrives.
    private var collected: ByteBuffer?
    /// Input that has not been decoded yet, because this request has to wait or has had its turn.
    private var rest = ByteBuffer()
    private var restOffset = 0
    /// Since when the client has to wait because it was too fast, in monotonic nanoseconds; nil while it need not.
    private var pausedSince: Int64?
    /// Decoded bytes that wait with it; one step's at most.
    private var held = ByteBuffer()
    private var isBodyComplete = false
    private var isLineEndReached = false
    private let events: EventsInFlight
    private var toldRefused = 0

    init(_ worker: IntakeWorker, _ exchange: any HTTPExchange, _ settings: Settings) {
        self.worker = worker
        self.exchange = exchange
        self.settings = settings
        events = EventsInFlight(exchange)
        body = BodyDecoder(
            contentEncoding: settings.contentEncoding,
            maxBytes: settings.maxDecompressedBytes
        )
        lines = LineReader(maxLineBytes: settings.maxEventBytes)
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
        guard rest.isEmpty, pausedSince == nil else {
            rest.append(bytes)
            return .wait
        }
        var offset = 0
        decode(bytes, at: &offset)
        if offset < bytes.byteCount, !answer.hasStreamError {
            rest.append(bytes, offset..<bytes.byteCount)
        }
        return step()
    }

    func finish() -> HTTPStep {
        isBodyComplete = true
        decodeCollected()
        return step()
    }

    func resumed() -> HTTPStep {
        decodeCollected()
        endPause()
        if !rest.isEmpty, pausedSince == nil {
            var offset = restOffset
            rest.withSpan { decode($0, at: &offset) }
            restOffset = offset
            if offset == rest.count || answer.hasStreamError {
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
            end(IntakeError(status: 503, .closing, cause.message))
            return response
        case .timeout:
            worker.metrics.requestsCancelled.add()
            worker.metrics.answered(status: 503)
            return settings.respond(503, Array(#"{"error":"\#(cause.message)"}"#.utf8))
        }
    }

    // MARK: - Steps

    private func step() -> HTTPStep {
        takeRefusals()
        let isRead = isBodyComplete && collected == nil && rest.isEmpty && held.isEmpty
        if isRead, !isLineEndReached, !answer.hasStreamError { endOfBody() }
        if answer.hasStreamError || isLineEndReached {
            if events.isSettled { return .respond(response) }
            worker.hasWaitingRequests = true
            return .wait
        }
        if let since = pausedSince {
            let now = Clock.monotonic
            worker.wake(events, at: now + (settings.gate?.pause(now: now) ?? 0), since: since)
            return .wait
        }
        if worker.isFull {
            worker.wakeWhenRoom(events)
            return .wait
        }
        guard rest.isEmpty else {
            // What is left comes in the next turn, after the others'.
            exchange.wake()
            return .wait
        }
        return .proceed
    }

    /// Events that were accepted and could not be kept after all.
    private func takeRefusals() {
        guard events.refused > toldRefused else { return }
        answer.accepted -= events.refused - toldRefused
        toldRefused = events.refused
        end(IntakeError.queueFull)
    }

    private var response: HTTPResponse {
        worker.metrics.answered(status: answer.status)
        var response = settings.respond(answer.status, answer.body(isVerbose: settings.isVerbose))
        response.closesConnection = answer.status >= 400
        return response
    }

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
            inflated.withSpan { feed($0) }
            worker.giveBackInflated(inflated)
            return
        }
        var offset = 0
        whole.withSpan { decode($0, at: &offset) }
        if offset < whole.count, !answer.hasStreamError {
            whole.withSpan { rest.append($0, offset..<whole.count) }
        }
    }

    /// Decodes from `input` until it is used up, this turn is over or the worker is full.
    private func decode(_ input: RawSpan, at offset: inout Int) {
        var turn = 0
        while offset < input.byteCount, turn < Self.turnBytes, !worker.isFull, !answer.hasStreamError,
            pausedSince == nil
        {
            var piece = worker.takeInflated()
            piece.removeAll()
            var damage: IntakeError?
            do throws(IntakeError) {
                _ = try body.decode(input, at: &offset, into: &piece, maxOutput: Self.stepBytes)
            } catch {
                damage = error
            }
            turn += piece.count
            worker.metrics.bodyBytes.add(piece.count)
            piece.withSpan { feed($0) }
            worker.giveBackInflated(piece)
            // What stands before the damage counts.
            if let damage { end(damage) }
        }
    }

    private func endOfBody() {
        isLineEndReached = true
        var last = ByteBuffer()
        do throws(IntakeError) { try body.finish(into: &last) } catch { end(error) }
        last.withSpan { feed($0) }
        guard !answer.hasStreamError else { return }
        lines.finish { line, shape in take(line, shape) }
    }

    // MARK: - Lines

    /// Takes the lines of a decoded piece; when the client has to wait, what is left of it is held.
    private func feed(_ piece: RawSpan) {
        var offset = 0
        lines.feed(piece, from: &offset) { line, shape in take(line, shape) && !isAhead }
        guard !answer.hasStreamError, offset < piece.byteCount || isAhead else { return }
        pausedSince = Clock.monotonic
        held.append(piece, offset..<piece.byteCount)
    }

    /// Whether the client has sent faster than it may.
    private var isAhead: Bool {
        guard let gate = settings.gate else { return false }
        return gate.pause(now: Clock.monotonic) > 0
    }

    /// Goes on with what was held, if the client may.
    private func endPause() {
        guard let since = pausedSince, !answer.hasStreamError else { return }
        guard !isAhead else {
            // Other streams of the client take all it may send. As in Elastic's server, this one waits no longer.
            let hasPatience = Clock.monotonic - since <= EventGate.patienceNanoseconds
            if !hasPatience { end(EventGate.rateLimitExceeded) }
            return
        }
        pausedSince = nil
        var piece = ByteBuffer()
        swap(&piece, &held)
        piece.withSpan { feed($0) }
    }

    /// - Returns: whether further lines are wanted.
    private func take(_ line: RawSpan, _ shape: LineReader.Line) -> Bool {
        guard !answer.hasStreamError else { return false }
        do throws(IntakeError) {
            guard let metadata else {
                try begin(line, shape)
                return true
            }
            if line.isBlank { return true }
            guard !shape.isCut else {
                throw IntakeError(.size, "event exceeded the permitted size")
            }
            answer.accepted += try worker.take(line, metadata, for: events)
        } catch {
            worker.metrics.rejected(error, line)
            guard metadata == nil || error.status > 400 else {
                answer.add(error, document: line)
                return true
            }
            let document = metadata == nil && shape.hasNewline ? line.withUnsafeBytes { Array($0) } : []
            answer.end(error, document: document)
        }
        return !answer.hasStreamError
    }

    private func begin(_ line: RawSpan, _ shape: LineReader.Line) throws(IntakeError) {
        guard !shape.isCut else { throw IntakeError(.size, "event exceeded the permitted size") }
        guard shape.hasNewline else { throw IntakeError(.metadata, "EOF while reading metadata") }
        metadata = try worker.metadata(line, settings.context, settings.gate)
    }

    private func end(_ error: IntakeError) {
        worker.metrics.rejected(error)
        answer.end(error)
    }
}

extension ByteBuffer {
    /// What compression the first two bytes look like.
    fileprivate var sniffedFormat: BodyDecoder.Format {
        count < 2 ? .plain : BodyDecoder.sniffed(self[0], self[1])
    }
}

extension RawSpan {
    /// Whether there is nothing but blanks and a carriage return.
    fileprivate var isBlank: Bool {
        for index in 0..<byteCount where self[index] != 0x20 && self[index] != 0x0D && self[index] != 0x09 {
            return false
        }
        return true
    }
}
