import Common

/// Tells Kibana which configurations agents have: its page shows a tick behind them.
///
/// One document for each version that an agent confirmed, every 30 seconds, as Elastic's server writes it, or as often
/// as agents are told to ask:
///
///     {"metricset":{"name":"agent_config"},"labels":{"etag":"…"},"agent_config_applied":1,…}
///
/// Used by one worker.
struct AppliedConfigurations {
    private static let longestInterval = Duration.seconds(30)

    private let configurations: AgentConfigurations
    private let settings: MappingSettings
    private let dataStream: [UInt8]
    private let interval: Duration
    private var nextReport = Int64.min

    /// - Parameter expiration: how long agents keep an answer.
    init(_ configurations: AgentConfigurations, _ settings: MappingSettings, expiration: Duration) {
        self.configurations = configurations
        interval = min(expiration, Self.longestInterval)
        self.settings = settings
        dataStream = Array("metrics-apm.internal-\(settings.namespace)".utf8)
    }

    /// Appends what is due.
    ///
    /// - Parameters:
    ///   - now: monotonic nanoseconds.
    ///   - time: `@timestamp` of the documents.
    /// - Returns: when to call again, in monotonic nanoseconds.
    mutating func append(to output: IntakeOutput, now: Int64, time: CalendarTime) -> Int64 {
        guard now >= nextReport else { return nextReport }
        nextReport = now + interval.nanoseconds
        for etag in configurations.takeApplied() {
            dataStream.withUnsafeBytes { name in
                output.append(name.bytes, .metric, time: time) { document in
                    write(etag, time, into: &document)
                }
            }
        }
        return nextReport
    }

    private func write(_ etag: String, _ time: CalendarTime, into document: inout ByteBuffer) {
        document.append(#"{"@timestamp":""# as StaticString)
        document.append(iso8601: CalendarTime(nanoseconds: time.nanoseconds / 1_000_000 * 1_000_000))
        document.append(
            #"","data_stream":{"type":"metrics","dataset":"apm.internal","namespace":"# as StaticString
        )
        document.append(jsonString: settings.namespace)
        document.append(#"},"observer":{"hostname":"# as StaticString)
        document.append(jsonString: settings.observerHostname)
        document.append(#","type":"apm-server","version":"# as StaticString)
        document.append(jsonString: settings.observerVersion)
        document.append(
            #"},"processor":{"event":"metric"},"metricset":{"name":"agent_config"},"labels":{"etag":"#
                as StaticString
        )
        document.append(jsonString: etag)
        document.append(#"},"agent_config_applied":1}"# as StaticString)
    }
}
