import Common

/// The metadata line of one intake request, with what follows from it for every event prepared once.
final class RequestMetadata {
    let request: RequestContext
    /// Refuses events that this client may not send; nil when it may send all.
    let gate: EventGate?
    let line: MetadataLine
    let agent: AgentKind
    /// JSON that documents of this request have in common.
    let fragments: MetadataFragments
    let labels: MetadataLabels
    let appMetrics: DataStreamText
    let appLogs: DataStreamText

    /// What an owner is when the event overrides nothing.
    var owner: EventOwner { EventOwner(isOverridden: false, agent: agent) }

    /// - Parameters:
    ///   - fields: decoded from `line`.
    ///   - clients: tells more of a browser that sends for itself.
    init(
        _ fields: EventFields,
        line: RawSpan,
        request: RequestContext,
        gate: EventGate?,
        settings: MappingSettings,
        clients: ClientDetails
    ) {
        self.request = request
        self.gate = gate
        agent = AgentKind(fields[.agentName], line)
        labels = MetadataLabels(fields[.labels], line)
        let host = HostNames(fields)
        self.line = MetadataLine(
            fields: fields,
            bytes: line.withUnsafeBytes { Array($0) },
            nodeName: host.nodeName(fields, line),
            environment: Self.quoted(settings.defaultServiceEnvironment)
        )
        fragments = MetadataFragments(self.line, host, labels, request, settings, clients)
        let service = fields[.serviceName].range
        (appMetrics, appLogs) = line.withUnsafeBytes { bytes in
            let name = UnsafeRawBufferPointer(rebasing: bytes[service]).bytes
            return (
                DataStreamText(.appMetrics, service: name, namespace: settings.namespace),
                DataStreamText(.appLogs, service: name, namespace: settings.namespace)
            )
        }
    }

    private static func quoted(_ text: String) -> [UInt8] {
        guard !text.isEmpty else { return [] }
        var buffer = ByteBuffer()
        buffer.append(jsonString: text)
        return buffer.array
    }
}
