import Common

/// What roll-ups count for `/stats` and `/metrics`.
final class RollUpMetrics: Sendable {
    let documents: Counter
    let refusals: Counter
    let checkpointFailures: Counter
    let lostDocuments: Counter
    /// By kind, then interval.
    private let groups: [[Gauge]]
    private let overflow: [[Gauge]]

    init(_ registry: Metrics = Metrics()) {
        documents = registry.counter("apm_server_rollup_documents_total", "Roll-up documents delivered.")
        refusals = registry.counter(
            "apm_server_rollup_refusals_total",
            "Bulks of roll-ups that delivery refused; they are sent again."
        )
        checkpointFailures = registry.counter(
            "apm_server_rollup_checkpoint_failures_total",
            "Checkpoints of roll-ups that could not be written."
        )
        lostDocuments = registry.counter(
            "apm_server_rollup_documents_lost_total",
            "Roll-up documents not delivered at the stop and in no checkpoint."
        )
        func gauges(_ name: String, _ help: String) -> [[Gauge]] {
            RollUpKind.allCases.map { kind in
                RollUpInterval.allCases.map { interval in
                    registry.gauge(name, help, [("kind", "\(kind.name)"), ("interval", "\(interval.name)")])
                }
            }
        }
        groups = gauges("apm_server_rollup_groups", "Groups of roll-ups not yet complete.")
        overflow = gauges(
            "apm_server_rollup_overflow_groups",
            "Estimated groups beyond the limits, counted together as _other."
        )
    }

    /// Shows the open tables.
    func show(_ open: [RollUpTable]) {
        for kind in RollUpKind.allCases {
            for (interval, table) in open.enumerated() {
                groups[Int(kind.rawValue)][interval].set(table.counts[Int(kind.rawValue)])
                overflow[Int(kind.rawValue)][interval].set(table.lostGroups(kind))
            }
        }
    }
}
