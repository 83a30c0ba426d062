import Common

/// What ingest counts, shown by `/stats` and `/metrics`.
final class IngestMetrics: Sendable {
    let registry: Metrics
    let windows: Counter
    let keepAlives: Counter
    let memoryWaits: Counter
    let connectionsOpen: Gauge
    let connectionsAccepted: Counter
    let connectionsRefused: Counter
    private let protocolErrors: Counter
    private let tlsErrors: Counter
    private let slowSenders: Counter
    private let idleSenders: Counter
    private let removedInputs: Counter
    private let lostConnections: Counter

    init(registry: Metrics = Metrics()) {
        self.registry = registry
        windows = registry.counter("ingest_windows_acknowledged_total", "Windows acknowledged.")
        keepAlives = registry.counter("ingest_keepalives_sent_total", "Acks of 0 sent while senders wait.")
        memoryWaits = registry.counter(
            "ingest_memory_waits_total",
            "Times a connection was not read because memory for its frame was short."
        )
        connectionsOpen = registry.gauge("ingest_connections_open", "Connections open now.")
        connectionsAccepted = registry.counter("ingest_connections_accepted_total", "Connections accepted.")
        connectionsRefused = registry.counter(
            "ingest_connections_refused_total",
            "Connections closed at once because limits.connections was reached."
        )
        func ended(_ reason: String) -> Counter {
            registry.counter(
                "ingest_connections_ended_total",
                "Connections ended by us.",
                [("reason", reason)]
            )
        }
        protocolErrors = ended("protocol_error")
        tlsErrors = ended("tls_error")
        slowSenders = ended("slow")
        idleSenders = ended("idle")
        removedInputs = ended("input_removed")
        lostConnections = registry.counter("ingest_connections_lost_total", "Connections reset by the peer.")
    }

    /// Events that came in by the input of that name.
    func events(input: String) -> Counter {
        registry.counter("ingest_events_received_total", "Events received.", [("input", input)])
    }

    /// Connections of the input of that name.
    func openConnections(input: String) -> Gauge {
        registry.gauge(
            "ingest_input_connections_open",
            "Connections open now, by input.",
            [("input", input)]
        )
    }

    /// Counts why a connection ended.
    func count(_ end: BeatsConnection.End) {
        switch end {
        case .closed: break
        case .lost: lostConnections.add()
        case .protocolError: protocolErrors.add()
        case .tls: tlsErrors.add()
        case .idle: idleSenders.add()
        case .removed: removedInputs.add()
        case .slow: slowSenders.add()
        }
    }
}
