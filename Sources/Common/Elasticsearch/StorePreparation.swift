/// Prepares the store for what a new configuration adds, while documents of the one before flow.
///
/// It has a connection of its own and blocks its caller; `cancel` ends that from another thread.
package final class StorePreparation: Sendable {
    /// The store was not prepared in time.
    package struct TimedOut: Error, CustomStringConvertible {
        package let last: String
        package var description: String { "the store cannot be prepared: \(last)" }
    }

    /// One request may take no longer: the next server, or the next try, may be quicker.
    private static let requestTimeout = Duration.seconds(10)

    private let settings: ElasticsearchSettings
    private let cancellation = HTTPClient.Cancellation()
    private let isCancelled = Monitor(false)

    package init(_ settings: ElasticsearchSettings) {
        var settings = settings
        settings.http.timeout = min(settings.http.timeout, Self.requestTimeout)
        settings.http.connectTimeout = min(settings.http.connectTimeout, Self.requestTimeout)
        self.settings = settings
    }

    /// Runs `setup` on any of the servers, again and again while they cannot be reached or have too much to do.
    ///
    /// - Throws: what the store refuses; `TimedOut` after `limit` or `cancel`.
    package func run(_ setup: ElasticsearchSetup, within limit: Duration) throws {
        let deadline = Clock.monotonic + limit.nanoseconds
        let client = try HTTPClient(settings.http, cancellation: cancellation)
        defer { client.close() }
        var delay = settings.retry
        while true {
            var last = ""
            for host in settings.hosts {
                do {
                    _ = try setup.run(client, host)
                    return
                } catch let error as HTTPClientError {
                    last = "\(error)"
                } catch let error as ElasticsearchSetup.Problem where error.isTemporary {
                    last = "\(host.origin): \(error)"
                }
            }
            let pause = delay.failed(chance: Double.random(in: 0..<1)).nanoseconds
            let next = min(Clock.monotonic + pause, deadline)
            let isOver = isCancelled.wait { isCancelled -> Monitor<Bool>.Verdict<Bool> in
                let now = Clock.monotonic
                if isCancelled || now >= deadline { return .proceed(true) }
                return now >= next ? .proceed(false) : .wait(until: next)
            }
            if isOver { throw TimedOut(last: last) }
        }
    }

    /// Ends the present `run`, and those to come.
    package func cancel() {
        cancellation.cancel()
        isCancelled.change { $0 = true }
    }
}
