import Common
import Synchronization

/// What one filter of a pipeline counts, over all workers.
final class FilterCounters: Sendable {
    let events: Counter
    let failures: Counter
    let drops: Counter
    private let time: TimeCounter
    /// The last event that failed, under the names that the live page gives the filter's row.
    private let samples: RejectSamples
    private let sampleName: String
    /// No event is kept before this moment (monotonic nanoseconds).
    private let nextSample = Atomic<Int64>(0)
    /// A filter that fails for every event costs no more than a look at the clock.
    private static let sampleInterval: Int64 = 1_000_000_000
    private static let original = FieldPath("event.original")
    private static let namePrefix = "ingest_filter_"

    /// - Parameters:
    ///   - filter: its kind, such as `grok`.
    ///   - id: unique in the pipeline.
    ///   - samples: keeps the last event that failed.
    init(
        _ metrics: Metrics,
        pipeline: String,
        filter: String,
        id: String,
        samples: RejectSamples = RejectSamples()
    ) {
        self.samples = samples
        sampleName = [pipeline, id, filter].joined(separator: MonitoringPage.keySeparator)
        let labels = Self.labels(pipeline: pipeline, filter: filter, id: id)
        events = metrics.counter(
            "\(Self.namePrefix)events_total",
            "events that a filter was applied to",
            labels
        )
        failures = metrics.counter(
            "\(Self.namePrefix)failures_total",
            "events that a filter could not change",
            labels
        )
        drops = metrics.counter(
            "\(Self.namePrefix)dropped_total",
            "events that a filter kept from being stored",
            labels
        )
        time = metrics.time(
            "\(Self.namePrefix)seconds_total",
            "time spent in a filter, estimated from one event in \(FilterChain.timedEvery)",
            labels
        )
    }

    /// What tells a filter's metrics from those of others.
    static func labels(pipeline: String, filter: String, id: String) -> [(String, String)] {
        [("pipeline", pipeline), ("filter", filter), ("id", id)]
    }

    /// Forgets what filters counted that run no more.
    static func keep(only labels: Set<[String]>, in metrics: Metrics) {
        metrics.keep(namePrefix) { labels.contains($0) }
    }

    /// Counts an event that failed, and keeps it to be shown, unless another was kept just now.
    func fail(_ failure: FilterFailure, _ record: Record, now: Int64) {
        failures.add()
        guard now >= nextSample.load(ordering: .relaxed) else { return }
        nextSample.store(now + Self.sampleInterval, ordering: .relaxed)
        var line = ByteBuffer()
        if let path = Self.original, let node = record.find(path) { record.appendText(of: node, to: &line) }
        line.withSpan { line in
            samples.record(sampleName, message: failure.reason ?? failure.tag.rawValue, line: line, now: now)
        }
    }

    /// Adds the time of one event that was timed, for all that were not.
    func add(timed nanoseconds: Int64) {
        time.add(nanoseconds: nanoseconds * Int64(FilterChain.timedEvery))
    }
}
