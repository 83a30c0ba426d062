import Common

/// The lines of one intake request: the first is its metadata, the others are events.
///
/// A client that may send only so much is made to wait: what was decoded and not taken is held until it may go on.
final class IntakeLines {
    /// The events that the answer waits for.
    let events: EventsInFlight
    private(set) var answer = IntakeAnswer()
    /// Since when the client has to wait because it was too fast, in monotonic nanoseconds; nil while it need not.
    private(set) var pausedSince: Int64?

    private let worker: IntakeWorker
    private let context: RequestContext
    private let gate: EventGate?
    private var reader: LineReader
    private var metadata: RequestMetadata?
    /// Decoded bytes that wait with the client; one step's at most.
    private var held = ByteBuffer()
    private var toldRefused = 0

    init(_ worker: IntakeWorker, _ settings: IntakeStream.Settings, _ events: EventsInFlight) {
        self.worker = worker
        self.events = events
        context = settings.context
        gate = settings.gate
        reader = LineReader(maxLineBytes: settings.maxEventBytes)
    }

    /// Whether no more is read, for a reason that the answer has.
    var hasEnded: Bool { answer.hasStreamError }

    var isHoldingBack: Bool { !held.isEmpty }

    /// Takes the lines of a decoded piece; when the client has to wait, what is left of it is held.
    func feed(_ piece: RawSpan) {
        var offset = 0
        reader.feed(piece, from: &offset) { line, shape in take(line, shape) && !isAhead }
        guard !hasEnded, offset < piece.byteCount || isAhead else { return }
        pausedSince = Clock.monotonic
        held.append(piece, offset..<piece.byteCount)
    }

    /// Takes the last line, if the body did not end in a newline.
    func finish() {
        guard !hasEnded else { return }
        reader.finish { line, shape in take(line, shape) }
    }

    /// Ends the stream before its time.
    func end(_ error: IntakeError) {
        worker.metrics.rejected(error)
        answer.end(error)
    }

    /// Takes back the events that were accepted and could not be kept after all.
    func takeRefusals() {
        guard events.refused > toldRefused else { return }
        answer.accepted -= events.refused - toldRefused
        toldRefused = events.refused
        end(IntakeError.queueFull)
    }

    // MARK: - Slowing down

    /// Goes on with what was held, if the client may.
    func endPause() {
        guard let since = pausedSince, !hasEnded else { return }
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

    /// When a client that has to wait may go on, in monotonic nanoseconds.
    func endOfPause() -> Int64 {
        let now = Clock.monotonic
        return now + (gate?.pause(now: now) ?? 0)
    }

    /// Whether the client has sent faster than it may.
    private var isAhead: Bool {
        guard let gate else { return false }
        return gate.pause(now: Clock.monotonic) > 0
    }

    // MARK: - One line

    /// - Returns: whether further lines are wanted.
    private func take(_ line: RawSpan, _ shape: LineReader.Line) -> Bool {
        guard !hasEnded else { return false }
        do throws(IntakeError) {
            guard let metadata else {
                try begin(line, shape)
                return true
            }
            if line.isBlank { return true }
            guard !shape.isCut else { throw IntakeError.lineTooLong }
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
        return !hasEnded
    }

    private func begin(_ line: RawSpan, _ shape: LineReader.Line) throws(IntakeError) {
        guard !shape.isCut else { throw IntakeError.lineTooLong }
        guard shape.hasNewline else { throw IntakeError(.metadata, "EOF while reading metadata") }
        metadata = try worker.metadata(line, context, gate)
    }
}

extension IntakeError {
    fileprivate static let lineTooLong = IntakeError(.size, "event exceeded the permitted size")
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
