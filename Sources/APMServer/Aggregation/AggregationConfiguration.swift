import Common

/// The section `aggregation`: limits of the roll-ups, and how often they are made safe.
///
///     aggregation:
///       max_services: 1000                          0: by memory
///       transactions: {max_groups: 5000}
///       service_transactions: {max_groups: 1000}
///       service_destinations: {max_groups: 10000}
///       checkpoint_interval: 10s                    0: none
struct AggregationConfiguration: Equatable, Sendable {
    /// 0: by memory, as all of them.
    var maxServices = 0
    var maxTransactionGroups = 0
    var maxServiceTransactionGroups = 0
    var maxServiceDestinationGroups = 0
    /// How much counting a crash may cost.
    var checkpointInterval = Duration.seconds(10)

    /// A limit above is one that was not meant.
    private static let maxNumber = 10_000_000

    init() {}

    /// Complaints stay with `reader`.
    init(_ reader: ConfigurationReader) {
        maxServices = reader.int("max_services", default: 0, in: 0...Self.maxNumber)
        func groups(_ section: String) -> Int {
            reader.section(section).int("max_groups", default: 0, in: 0...Self.maxNumber)
        }
        maxTransactionGroups = groups("transactions")
        maxServiceTransactionGroups = groups("service_transactions")
        maxServiceDestinationGroups = groups("service_destinations")
        checkpointInterval = reader.duration(
            "checkpoint_interval",
            default: checkpointInterval,
            in: .zero...(.seconds(3600))
        )
    }

    /// The limits that hold, those not given following from the memory.
    func limits(memoryBytes: Int) -> RollUpLimits {
        var limits = RollUpLimits(memoryBytes: memoryBytes)
        if maxServices > 0 {
            limits.maxServices = maxServices
            limits.maxGroups[.serviceSummary] = maxServices * 10
        }
        if maxTransactionGroups > 0 { limits.maxGroups[.transaction] = maxTransactionGroups }
        if maxServiceTransactionGroups > 0 {
            limits.maxGroups[.serviceTransaction] = maxServiceTransactionGroups
        }
        if maxServiceDestinationGroups > 0 {
            limits.maxGroups[.serviceDestination] = maxServiceDestinationGroups
        }
        return limits
    }
}
