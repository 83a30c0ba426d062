import Common

/// What tail-based sampling counts for `/stats` and `/metrics`.
final class TailMetrics: Sendable {
    let held: Counter
    let stored: Counter
    let dropped: Counter
    let expired: Counter
    /// Stored at once, because they could not be held.
    let unheld: Counter
    let discarded: Counter
    let damaged: Counter
    let writeFailures: Counter
    let heldEvents: Gauge
    let heldTraces: Gauge
    let storageBytes: Gauge
    let decisions: Gauge

    init(_ registry: Metrics = Metrics()) {
        func events(_ outcome: String) -> Counter {
            registry.counter(
                "apm_server_tail_sampling_events_total",
                "Events of traces under tail-based sampling, by what became of them.",
                [("outcome", outcome)]
            )
        }
        held = events("held")
        stored = events("stored")
        dropped = events("dropped")
        expired = events("expired")
        unheld = events("stored_unheld")
        discarded = events("discarded")
        damaged = events("damaged")
        writeFailures = registry.counter(
            "apm_server_tail_sampling_write_failures_total",
            "Times held events could not be written."
        )
        heldEvents = registry.gauge(
            "apm_server_tail_sampling_held_events",
            "Events that wait for a decision."
        )
        heldTraces = registry.gauge(
            "apm_server_tail_sampling_held_traces",
            "Traces that wait for a decision."
        )
        storageBytes = registry.gauge(
            "apm_server_tail_sampling_storage_bytes",
            "Bytes of the files of held events."
        )
        decisions = registry.gauge(
            "apm_server_tail_sampling_decisions",
            "Decisions remembered for late events."
        )
    }
}
