/// The way of documents that must not wait for others, such as those of one pipeline.
///
/// A batch holds the documents of one lane. Its first request never waits for requests of other lanes, so that an index
/// that is slow, or turns everything back, holds up only those who write to it.
package final class BulkLane: Sendable {
    /// How its name, and the label of its metrics, is called.
    package let name: String
    /// Requests that were answered, and every item with success.
    package let successes: Counter
    /// Requests that were answered, and some items with an error.
    package let withErrors: Counter
    /// Requests without an answer, or refused as a whole.
    package let failures: Counter
    /// Tries of documents that were turned back and are sent again.
    let turnedBack: Counter
    /// The registry answers the same counter for the same status; stores have about a dozen.
    private let response: @Sendable (Int) -> Counter

    /// - Parameters:
    ///   - service: first word of the metrics' names.
    ///   - label: what the name is a name of, such as `pipeline`.
    package init(_ name: String, label: String, service: String, metrics: Metrics) {
        self.name = name
        func requests(_ result: String) -> Counter {
            metrics.counter(
                "\(service)_bulk_requests_total",
                "Bulk requests by how they ended.",
                [(label, name), ("result", result)]
            )
        }
        successes = requests("success")
        withErrors = requests("with_errors")
        failures = requests("failure")
        turnedBack = metrics.counter(
            "\(service)_bulk_items_turned_back_total",
            "Tries of documents that were turned back and are sent again.",
            [(label, name)]
        )
        response = { status in
            metrics.counter(
                "\(service)_bulk_responses_total",
                "Answers to bulk requests by their status.",
                [(label, name), ("status", String(status))]
            )
        }
    }

    /// Counts one answer.
    package func answered(status: Int) {
        response(status).add()
        if status != 200 { failures.add() }
    }

    /// Counts the items of one answer with status 200.
    package func itemsEnded(hadErrors: Bool) { (hadErrors ? withErrors : successes).add() }
}
