import Common

/// Where the monitoring server's thread meets the event loop: questions in, a report out.
///
/// The loop builds a report only when one is asked for, so nobody pays for monitoring that nobody reads.
final class ShipperMonitor: Sendable {
    static let maxRows = 1000
    /// A loop that does not answer within this time is stuck, and `/healthz` says so.
    private static let patience: Int64 = 2_000_000_000
    /// How long it then counts as stuck without being asked again.
    private static let silence: Int64 = 1_000_000_000
    /// A page may show numbers that are so old (nanoseconds).
    private static let pageAge: Int64 = 50_000_000

    private struct State {
        var isAsked = false
        var answers = 0
        var answeredAt = Int64.min
        /// When it was last found out that the loop does not answer.
        var silentAt = Int64.min
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
            state.answeredAt = Clock.monotonic
        }
    }

    /// Asks the loop.
    ///
    /// Blocks for one turn of it; nil when it does not answer.
    ///
    /// - Parameter maxAge: nanoseconds; a report that is no older will do.
    func ask(maxAge: Int64 = 0) -> Report? {
        let now = Clock.monotonic
        if maxAge > 0 {
            if let known = state.read({ $0.answeredAt > now - maxAge ? $0.report : nil }) { return known }
            // One page asks several times; a loop that is stuck is waited for once.
            if state.read({ $0.silentAt > now - Self.silence }) { return nil }
        }
        let deadline = now + Self.patience
        let before = state.change { state -> Int in
            state.isAsked = true
            return state.answers
        }
        waker.wake()
        return state.wait { state -> Monitor<State>.Verdict<Report?> in
            if state.answers > before { return .proceed(state.report) }
            guard Clock.monotonic >= deadline else { return .wait(until: deadline) }
            state.silentAt = Clock.monotonic
            return .proceed(nil)
        }
    }
}

// MARK: - What the server shows

extension ShipperMonitor {
    /// The service's pages.
    ///
    /// Each asks the loop, so they also tell whether that still turns.
    func pages(_ metrics: ShipperMetrics, health: HealthConfiguration) -> Monitoring {
        // One page has several numbers of one report.
        let report = { @Sendable in self.ask(maxAge: Self.pageAge) }
        metrics.metrics.gauge("shipper_lag_bytes", "Bytes written to files and not acknowledged.") {
            Double(report()?.lagBytes ?? 0)
        }
        metrics.metrics.gauge(
            "shipper_lag_seconds",
            "How long the oldest line that is not acknowledged has waited."
        ) { report()?.oldest?.age.inSeconds ?? 0 }
        metrics.metrics.gauges(
            "shipper_file_lag_bytes",
            "Bytes of one file that are not acknowledged; the files furthest behind.",
            label: "path"
        ) { Self.byPath(report()) { Double($0.lagBytes) } }
        metrics.metrics.gauges(
            "shipper_file_lag_seconds",
            "How long the oldest line of one file that is not acknowledged has waited.",
            label: "path"
        ) { Self.byPath(report()) { $0.age.inSeconds } }
        return Monitoring(
            service: "shipper",
            metrics: metrics.metrics,
            details: [(name: "shipping", json: { Self.json(report()) })],
            page: .shipper,
            health: { Self.health(report(), maxLagAge: health.maxLagAge, now: Clock.now) }
        )
    }

    /// One number per path: a log and the deleted one before it may have the same, and then the larger number counts.
    private static func byPath(_ report: Report?, _ number: (FileRow) -> Double) -> [(
        value: String, number: Double
    )] {
        var numbers: [String: Double] = [:]
        for file in report?.files ?? [] {
            numbers[file.path] = max(numbers[file.path] ?? 0, number(file))
        }
        return numbers.sorted { $0.key < $1.key }.map { (value: $0.key, number: $0.value) }
    }
}
