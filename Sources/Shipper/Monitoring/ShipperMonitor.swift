import Common

/// Where the monitoring server's thread meets the event loop: questions in, a report out.
///
/// The loop builds a report only when one is asked for, so nobody pays for monitoring that nobody reads.
final class ShipperMonitor: Sendable {
    /// What one followed file looks like from outside.
    struct FileRow: Equatable, Sendable {
        let path: String
        let size: Int64
        let read: Int64
        let stored: Int64
        let isOpen: Bool
        let isDeleted: Bool
    }

    struct Report: Sendable {
        /// The files furthest behind, at most `maxRows`.
        var files: [FileRow] = []
        var fileCount = 0
        var lagBytes: Int64 = 0
        var isConnected = false
        var windowsOutstanding = 0
        /// How long the oldest window has waited for its ack.
        var oldestWindow = Duration.zero
    }

    static let maxRows = 1000
    /// A loop that does not answer within this time is stuck, and `/healthz` says so.
    private static let patience: Int64 = 2_000_000_000

    private struct State {
        var isAsked = false
        var answers = 0
        var report = Report()
        var isStopRequested = false
    }

    private let state = Monitor(State())
    private let waker: Waker

    init(waker: Waker) { self.waker = waker }

    /// Ends the loop, as SIGTERM does.
    func stop() {
        state.change { $0.isStopRequested = true }
        waker.wake()
    }

    var isStopRequested: Bool { state.read { $0.isStopRequested } }

    /// Gives the report if one was asked for.
    ///
    /// Called by the loop.
    func answer(_ report: () -> Report) {
        guard state.read({ $0.isAsked }) else { return }
        let report = report()
        state.change { state in
            state.report = report
            state.isAsked = false
            state.answers += 1
        }
    }

    /// Asks the loop.
    ///
    /// Blocks for one turn of it; nil when it does not answer.
    func ask() -> Report? {
        let deadline = Clock.monotonic + Self.patience
        let before = state.change { state -> Int in
            state.isAsked = true
            return state.answers
        }
        waker.wake()
        return state.wait { state -> Monitor<State>.Verdict<Report?> in
            if state.answers > before { return .proceed(state.report) }
            return Clock.monotonic >= deadline ? .proceed(nil) : .wait(until: deadline)
        }
    }
}

// MARK: - What the server shows

extension ShipperMonitor {
    /// A window that waits longer than this means that nothing gets through.
    static let maxWindowAge = Duration.seconds(300)

    /// The service's pages.
    ///
    /// Each asks the loop, so they also tell whether that still turns.
    func pages(_ metrics: ShipperMetrics) -> Monitoring {
        metrics.metrics.gauge("shipper_lag_bytes", "Bytes written to files and not acknowledged.") {
            Double(self.ask()?.lagBytes ?? 0)
        }
        return Monitoring(
            service: "shipper",
            metrics: metrics.metrics,
            details: [(name: "shipping", json: { Self.json(self.ask()) })],
            page: .shipper,
            health: { Self.health(self.ask()) }
        )
    }

    static func health(_ report: Report?) -> Health {
        guard let report else { return Health(reasons: ["the event loop does not answer"]) }
        guard report.oldestWindow > maxWindowAge else { return Health() }
        let seconds = report.oldestWindow.components.seconds
        let state = report.isConnected ? "connected" : "not connected"
        return Health(reasons: ["no ack for \(seconds) s, \(state), \(report.lagBytes) bytes behind"])
    }

    /// The files furthest behind, and the connection.
    ///
    ///     {"connected":true,"windows":{"outstanding":1,"oldest_seconds":0},"lag_bytes":0,
    ///      "files":{"count":1,"shown":[{"path":"…","size":9,"read":9,"stored":9,"lag_bytes":0,…}]}}
    static func json(_ report: Report?) -> [UInt8] {
        guard let report else { return Array("null".utf8) }
        var text = ByteBuffer(capacity: 1024)
        text.append(
            "{\"connected\":\(report.isConnected),\"windows\":{\"outstanding\":\(report.windowsOutstanding)"
        )
        text.append(",\"oldest_seconds\":\(report.oldestWindow.components.seconds)}")
        text.append(",\"lag_bytes\":\(report.lagBytes),\"files\":{\"count\":\(report.fileCount),\"shown\":[")
        for (index, file) in report.files.enumerated() {
            text.append(index > 0 ? ",{\"path\":" : "{\"path\":")
            text.append(jsonString: file.path)
            text.append(",\"size\":\(file.size),\"read\":\(file.read),\"stored\":\(file.stored)")
            text.append(",\"lag_bytes\":\(max(file.size - file.stored, 0))")
            text.append(",\"open\":\(file.isOpen),\"deleted\":\(file.isDeleted)}")
        }
        text.append("]}}")
        return text.array
    }
}
