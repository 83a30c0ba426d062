import Common

/// What is told of dead letters: how many for which reason, with the last document of each.
enum DeadLetterReport {
    /// Counts documents that went to the dead letters.
    static func count(
        _ burials: [BulkProgress.Burial],
        of batch: BulkBatch,
        in metrics: Metrics,
        samples: RejectSamples
    ) {
        for burial in burials {
            metrics.counter(
                "ingest_dead_letters_total",
                "Documents that went to the dead letters, by the store's reason.",
                [("reason", reason(burial))]
            ).add()
            batch.bytes.withSpan { bytes in
                samples.record(
                    reason(burial),
                    message: burial.reason,
                    line: bytes.extracting(batch.sourceRange(burial.document)),
                    now: Clock.monotonic
                )
            }
        }
    }

    /// The store's word for it, or the status of a request that was refused without one.
    private static func reason(_ burial: BulkProgress.Burial) -> String {
        burial.type.isEmpty ? "status \(burial.status)" : burial.type
    }
}
