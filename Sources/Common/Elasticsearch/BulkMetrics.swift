/// The numbers of the way to Elasticsearch.
package struct BulkMetrics: Sendable {
    /// Upper bounds of the latency buckets in milliseconds.
    private static let bounds = [5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000]
    private static let statusClasses = ["2xx", "3xx", "4xx", "429", "5xx", "none"]

    package let stored: Counter
    package let duplicates: Counter
    package let deadLetters: Counter
    package let retried: Counter
    package let held: Counter
    package let bodyBytes: Counter
    package let sentBytes: Counter
    package let abandonedBatches: Counter
    package let fallbacksStored: Counter
    package let fallbacksRefused: Counter
    private let requests: [Counter]
    private let latencyBuckets: [Counter]
    private let latencySum: Counter

    /// - Parameter service: first word of each name.
    package init(_ metrics: Metrics, service: String) {
        let name = "\(service)_elasticsearch"
        func documents(_ outcome: String) -> Counter {
            metrics.counter(
                "\(name)_documents_total",
                "Documents by what became of them; retried and held count tries.",
                [("outcome", outcome)]
            )
        }
        stored = documents("stored")
        duplicates = documents("duplicate")
        deadLetters = documents("dead_letter")
        retried = documents("retried")
        held = documents("held")
        bodyBytes = metrics.counter("\(name)_body_bytes_total", "Bytes of bulk bodies before compression.")
        sentBytes = metrics.counter("\(name)_sent_bytes_total", "Bytes of bulk bodies as sent.")
        abandonedBatches = metrics.counter("\(name)_abandoned_batches_total", "Batches given up at shutdown.")
        func fallbacks(_ outcome: String) -> Counter {
            metrics.counter(
                "\(name)_fallback_documents_total",
                "Stripped documents in the place of dead letters.",
                [("outcome", outcome)]
            )
        }
        fallbacksStored = fallbacks("stored")
        fallbacksRefused = fallbacks("refused")
        requests = Self.statusClasses.map {
            metrics.counter(
                "\(name)_requests_total",
                "Bulk requests by status; none: no answer.",
                [("status", $0)]
            )
        }
        latencyBuckets = (Self.bounds.map(String.init) + ["+Inf"]).map {
            metrics.counter(
                "\(name)_request_milliseconds_bucket",
                "Bulk requests answered within this time.",
                [("le", $0)]
            )
        }
        latencySum = metrics.counter("\(name)_request_milliseconds_sum", "Time spent in bulk requests.")
    }

    /// Counts one bulk request.
    ///
    /// - Parameter status: nil without an answer.
    package func request(status: Int?, nanoseconds: Int64) {
        let index =
            switch status {
            case nil: 5
            case .some(429): 3
            case .some(..<300): 0
            case .some(..<400): 1
            case .some(..<500): 2
            default: 4
            }
        requests[index].add()
        let milliseconds = Int(nanoseconds / 1_000_000)
        latencySum.add(milliseconds)
        for (bound, bucket) in zip(Self.bounds, latencyBuckets) where milliseconds <= bound { bucket.add() }
        latencyBuckets[Self.bounds.count].add()
    }
}
