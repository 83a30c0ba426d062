import Common

/// The numbers of the spool; those of the way to the store are the indexer's.
struct DeliveryMetrics: Sendable {
    let spooledBatches: Counter
    let spooledDocuments: Counter
    let replayedBatches: Counter
    let replayedDocuments: Counter
    let refusedBatches: Counter
    let refusedDocuments: Counter
    let damagedRecords: Counter
    let damagedFiles: Gauge

    init(_ metrics: Metrics) {
        func batches(_ outcome: String) -> Counter {
            metrics.counter(
                "apm_server_spool_batches_total",
                "Batches that met the spool.",
                [("outcome", outcome)]
            )
        }
        func documents(_ outcome: String) -> Counter {
            metrics.counter("apm_server_spool_documents_total", "Documents in them.", [("outcome", outcome)])
        }
        spooledBatches = batches("spooled")
        spooledDocuments = documents("spooled")
        replayedBatches = batches("replayed")
        replayedDocuments = documents("replayed")
        refusedBatches = batches("refused")
        refusedDocuments = documents("refused")
        damagedRecords = metrics.counter(
            "apm_server_spool_damaged_records_total",
            "Records of the spool that changed on the disk and were set aside."
        )
        damagedFiles = metrics.gauge(
            "apm_server_spool_damaged_files",
            "Files with damaged parts of the spool."
        )
    }

    /// Adds the numbers that are read from the queue when someone asks.
    static func register(_ queue: Monitor<DeliveryQueue>, in metrics: Metrics) {
        metrics.gauge("apm_server_spool_bytes", "Bytes of the spool on the disk.") {
            Double(queue.read { $0.ledger.bytes })
        }
        metrics.gauge("apm_server_spool_max_bytes", "Bytes that the spool may have.") {
            Double(queue.read { $0.limits.spoolBytes })
        }
        metrics.gauge("apm_server_spool_records", "Batches in the spool that are not stored.") {
            Double(queue.read { $0.ledger.records })
        }
        metrics.gauge("apm_server_spool_documents", "Documents in the spool that are not stored.") {
            Double(queue.read { $0.ledger.documents })
        }
        metrics.gauge(
            "apm_server_spool_oldest_seconds",
            "Age of the oldest batch in the spool; 0 without one."
        ) {
            guard let oldest = queue.read({ $0.ledger.oldest }) else { return 0 }
            return max(Double(Clock.now.nanoseconds - oldest.nanoseconds) / 1e9, 0)
        }
    }
}
