/// The four roll-ups, as `metricset.name` says them.
enum RollUpKind: UInt8, CaseIterable, Sendable {
    case transaction, serviceTransaction, serviceDestination, serviceSummary

    var name: StaticString {
        switch self {
        case .transaction: "transaction"
        case .serviceTransaction: "service_transaction"
        case .serviceDestination: "service_destination"
        case .serviceSummary: "service_summary"
        }
    }

    /// Whether durations are kept as a histogram.
    var hasHistogram: Bool { self == .transaction || self == .serviceTransaction }
}

/// The three lengths of time that are rolled up, as `metricset.interval` says them.
enum RollUpInterval: UInt8, CaseIterable, Sendable {
    case minute, tenMinutes, hour

    var name: StaticString {
        switch self {
        case .minute: "1m"
        case .tenMinutes: "10m"
        case .hour: "60m"
        }
    }

    var seconds: Int64 {
        switch self {
        case .minute: 60
        case .tenMinutes: 600
        case .hour: 3600
        }
    }

    /// The start of the interval that `time` falls in; both in seconds since 1970.
    func start(of time: Int64) -> Int64 {
        let rest = time % seconds
        return time - (rest < 0 ? rest + seconds : rest)
    }

    /// The first boundary after `time`.
    func boundary(after time: Int64) -> Int64 { start(of: time) + seconds }
}
