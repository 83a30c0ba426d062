import Common

/// How many services and groups a table of roll-ups holds; what comes above is counted as `_other`.
struct RollUpLimits: Equatable, Sendable {
    var maxServices: Int
    /// Most groups of each kind; one service may have a tenth of them.
    var maxGroups: [RollUpKind: Int]

    init(maxServices: Int, maxGroups: [RollUpKind: Int]) {
        self.maxServices = maxServices
        self.maxGroups = maxGroups
    }

    /// Limits by memory as Elastic's server has them: per GB 1000 services, 5000 transactions, 1000 service
    /// transactions and 5000 destinations (of these 5000 more).
    ///
    /// - Parameter memoryBytes: counts as 1 GB at least; above 8 GB a machine is not bought for its roll-ups.
    init(memoryBytes: Int) {
        let gigabytes = min(max(memoryBytes >> 30, 1), 8)
        maxServices = 1000 * gigabytes
        maxGroups = [
            .transaction: 5000 * gigabytes,
            .serviceTransaction: 1000 * gigabytes,
            .serviceDestination: 5000 * gigabytes + 5000,
            // Elastic's server bounds these by services alone. Ours counts labels and minutes of a service as
            // well.
            .serviceSummary: 10_000 * gigabytes,
        ]
    }

    /// For tables whose content was within limits before.
    static let none = RollUpLimits(
        maxServices: 1 << 40,
        maxGroups: Dictionary(uniqueKeysWithValues: RollUpKind.allCases.map { ($0, 1 << 40) })
    )

    func groups(_ kind: RollUpKind) -> Int { maxGroups[kind] ?? 0 }

    func groupsPerService(_ kind: RollUpKind) -> Int { max(groups(kind) / 10, 1) }

    /// Bytes of all keys of a table: 1 KiB for each group, twice of what a key with Kubernetes and cloud has.
    var maxKeyBytes: Int { (maxServices + maxGroups.values.reduce(0, +)) << 10 }

    /// Pairs of group and duration of a table; real services come to about twenty for each group.
    var maxCells: Int { (groups(.transaction) + groups(.serviceTransaction)) * 64 }
}
