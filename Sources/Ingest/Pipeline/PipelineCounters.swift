import Common

/// What one pipeline counts, over all workers.
final class PipelineCounters: Sendable {
    let lines: Counter
    let badJSON: Counter
    let noMessage: Counter
    let unparsed: Counter
    let badDates: Counter
    let datesOutOfRange: Counter
    let indexCapped: Counter
    /// The last line of each reason for which events are stored with a tag.
    let samples: RejectSamples

    /// - Parameter pipeline: its name in the configuration.
    init(_ metrics: Metrics, pipeline: String, samples: RejectSamples = RejectSamples()) {
        self.samples = samples
        let labels = [("pipeline", pipeline)]
        func failures(_ reason: String) -> Counter {
            metrics.counter(
                "ingest_pipeline_failures_total",
                "events that were stored with a tag because something in them could not be understood",
                labels + [("reason", reason)]
            )
        }
        lines = metrics.counter("ingest_pipeline_events_total", "events that the pipeline took", labels)
        badJSON = failures("json")
        noMessage = failures("no_message")
        unparsed = failures("format")
        badDates = failures("date")
        datesOutOfRange = failures("date_out_of_range")
        indexCapped = failures("index_cap")
    }
}
