/// What an OTLP request exports, by its path.
enum OTLPSignal: String, CaseIterable, Sendable {
    case traces, metrics, logs

    /// `/v1/traces` and so on.
    var path: String { "/v1/\(rawValue)" }

    /// The message that a request's body is.
    var message: OTLPMessage {
        switch self {
        case .traces: .exportTraces
        case .metrics: .exportMetrics
        case .logs: .exportLogs
        }
    }
}
