import Common

/// What of the `monitoring` section says when `/healthz` turns red.
struct HealthConfiguration: Equatable, Sendable {
    /// A line that waits longer for its ack means that nothing gets through; zero never does.
    var maxLagAge = Duration.seconds(300)

    init() {}

    init(_ reader: ConfigurationReader) {
        maxLagAge = reader.duration("max_lag_age", default: maxLagAge, in: .zero...(.seconds(86400 * 30)))
    }
}
