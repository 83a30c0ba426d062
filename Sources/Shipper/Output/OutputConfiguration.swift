import Common

/// The keys of the section `output` that say how windows are spread over hosts and time.
struct OutputConfiguration: Equatable, Sendable {
    let loadBalance: Bool
    let workers: Int
    let ttl: Duration
    let slowStart: Bool

    init(_ reader: ConfigurationReader) {
        loadBalance = reader.bool("load_balance", default: false)
        workers = reader.int("workers", default: 1, in: 1...64)
        if workers > 1, !loadBalance {
            reader.problem("workers", "more than one connection per host needs load_balance: true")
        }
        ttl = reader.duration("ttl", default: .zero, in: .zero...(.seconds(86400 * 30)))
        slowStart = reader.bool("slow_start", default: false)
    }
}

extension LumberjackClient.Settings {
    /// Spreads windows as the configuration wants it.
    mutating func spread(_ configuration: OutputConfiguration) {
        loadBalance = configuration.loadBalance
        workers = configuration.workers
        ttl = configuration.ttl
        slowStart = configuration.slowStart
    }
}
