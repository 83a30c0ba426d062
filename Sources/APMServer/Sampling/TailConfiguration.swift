import Common

/// The section `sampling.tail`.
///
///     sampling:
///       tail:
///         enabled: true
///         interval: 1m
///         ttl: 30m
///         storage_limit: 3GB                     0: as much as disk_usage_threshold allows
///         disk_usage_threshold: 0.8
///         discard_on_write_failure: false
///         policies:
///           - {service.name: shop, trace.outcome: failure, sample_rate: 1}
///           - {sample_rate: 0.1}
struct TailConfiguration: Equatable, Sendable {
    var isEnabled = false
    /// From a root transaction to the decision: what belongs to the trace may still come.
    var interval = Duration.seconds(60)
    /// How long a trace waits for its root, and how long decisions are remembered.
    var ttl = Duration.seconds(1800)
    /// Bytes of held events on the disk; 0 for no limit.
    var storageBytes = 3 << 30
    /// The used share of the file system above which nothing more is held.
    var diskUsageThreshold = 0.8
    /// Whether events that cannot be held are dropped; they are stored otherwise.
    var discardsOnWriteFailure = false
    var policies: [TailPolicy] = []

    init() {}

    /// Complaints stay with `reader`.
    init(_ reader: ConfigurationReader) {
        isEnabled = reader.bool("enabled", default: false)
        interval = reader.duration("interval", default: interval, in: .seconds(1)...(.seconds(3600)))
        ttl = reader.duration("ttl", default: ttl, in: .seconds(1)...(.seconds(86400)))
        storageBytes = reader.size("storage_limit", default: storageBytes)
        diskUsageThreshold = Self.fraction(reader, "disk_usage_threshold", default: diskUsageThreshold)
        discardsOnWriteFailure = reader.bool("discard_on_write_failure", default: false)
        policies = reader.sections("policies").map(Self.policy)
        if isEnabled, policies.allSatisfy(\.hasCriteria) {
            reader.problem("policies", "no policy for all other traces; add one with a sample_rate only")
        }
    }

    private static func policy(_ reader: ConfigurationReader) -> TailPolicy {
        let service = reader.section("service")
        let trace = reader.section("trace")
        var policy = TailPolicy(sampleRate: fraction(reader, "sample_rate", default: nil))
        policy.serviceName = service.string("name")
        policy.serviceEnvironment = service.string("environment")
        policy.traceName = trace.string("name")
        switch trace.string("outcome") {
        case nil: break
        case "success": policy.traceOutcome = .success
        case "failure": policy.traceOutcome = .failure
        case "unknown": policy.traceOutcome = .unknown
        case let other?:
            trace.problem("outcome", "\"\(other)\" is not a choice; use one of: success, failure, unknown")
        }
        return policy
    }

    /// A number from 0 to 1.
    ///
    /// - Parameter fallback: nil makes its absence a complaint.
    private static func fraction(
        _ reader: ConfigurationReader,
        _ key: String,
        default fallback: Double?
    ) -> Double {
        guard let text = reader.string(key) else {
            if fallback == nil { reader.problem(key, "missing; give a number from 0 to 1") }
            return fallback ?? 1
        }
        guard let number = Double(text), number >= 0, number <= 1 else {
            reader.problem(key, "expected a number from 0 to 1, found \"\(text)\"")
            return fallback ?? 1
        }
        return number
    }
}
