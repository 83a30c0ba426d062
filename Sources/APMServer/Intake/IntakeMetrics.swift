import Common

/// The numbers of the intake.
struct IntakeMetrics: Sendable {
    let bodyBytes: Counter
    let requestsCancelled: Counter
    /// The last line that was refused for each reason.
    let samples = RejectSamples()
    private let registry: Metrics
    private let requests: [Counter]
    private let events: [Counter]
    private let rejects: [Counter]

    private static let statuses = ["2xx", "4xx", "429", "503", "5xx"]

    init(_ metrics: Metrics) {
        registry = metrics
        bodyBytes = metrics.counter(
            "apm_server_intake_body_bytes_total",
            "Bytes of intake bodies after decompression."
        )
        requestsCancelled = metrics.counter(
            "apm_server_intake_requests_cancelled_total",
            "Intake requests whose client went away before the answer."
        )
        requests = Self.statuses.map {
            metrics.counter(
                "apm_server_intake_requests_total",
                "Intake requests by answer.",
                [("status", $0)]
            )
        }
        events = EventKind.allCases.map {
            metrics.counter(
                "apm_server_events_accepted_total",
                "Events accepted, by type.",
                [("type", "\($0)")]
            )
        }
        rejects = IntakeError.Reason.allCases.map {
            metrics.counter(
                "apm_server_events_rejected_total",
                "Events and streams refused, by reason.",
                [("reason", $0.rawValue)]
            )
        }
    }

    func answered(status: Int) {
        let index =
            switch status {
            case ..<400: 0
            case 429: 2
            case ..<500: 1
            case 503: 3
            default: 4
            }
        requests[index].add()
    }

    @inline(__always)
    func accepted(_ kind: EventKind, _ count: Int) { events[Int(kind.rawValue)].add(count) }

    /// Counters of accepted events by service, for one worker.
    func makeServiceCounters() -> CountersByName {
        CountersByName(
            registry,
            "apm_server_service_events_total",
            "Events accepted, by service.",
            label: "service"
        )
    }

    /// Counts what was refused, and keeps it as the sample of its reason.
    ///
    /// - Parameter line: empty for a stream that ended before its time.
    func rejected(_ error: IntakeError, _ line: RawSpan = RawSpan()) {
        samples.record(error.reason.rawValue, message: error.message, line: line, now: Clock.monotonic)
        guard let index = IntakeError.Reason.allCases.firstIndex(of: error.reason) else { return }
        rejects[index].add()
    }
}
