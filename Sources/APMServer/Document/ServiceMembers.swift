import Common

/// The metadata line with what is said in its place where it says nothing.
///
/// Everything that an event's `context.service` may override is read through this.
struct MetadataLine: Sendable {
    let fields: EventFields
    /// The line's own bytes, which outlive it.
    let bytes: [UInt8]
    /// JSON of `service.node.name` for services that name no node: the container or the host; empty for none.
    let nodeName: [UInt8]
    /// JSON of `service.environment` for services that name none; empty for none.
    let environment: [UInt8]
}

extension EventFields {
    /// Whether the event says anything of its service or agent, which then differ from the metadata's.
    var overridesService: Bool {
        // Names come first: what overrides anything usually overrides the name.
        if self[.serviceName].isGiven || self[.serviceVersion].isGiven || self[.serviceEnvironment].isGiven {
            return true
        }
        if self[.serviceNodeName].isGiven || self[.agentName].isGiven || self[.agentVersion].isGiven {
            return true
        }
        if self[.agentEphemeralID].isGiven || self[.frameworkName].isGiven || self[.frameworkVersion].isGiven
        {
            return true
        }
        if self[.languageName].isGiven || self[.languageVersion].isGiven { return true }
        return self[.runtimeName].isGiven || self[.runtimeVersion].isGiven
    }
}

/// `agent` and `service` of an event: its own values where it gives them, the metadata's elsewhere.
///
/// All functions append members without the braces around them.
extension ByteBuffer {
    /// Members of `agent`.
    mutating func appendAgent(_ event: EventFields, _ line: RawSpan, _ metadata: borrowing MetadataLine) {
        member(#""name":"#, .agentName, event, line, metadata)
        member(#""version":"#, .agentVersion, event, line, metadata)
        member(#""ephemeral_id":"#, .agentEphemeralID, event, line, metadata)
        let activation = metadata.fields[.agentActivationMethod]
        member(#""activation_method":"#, activation, metadata.bytes.span.bytes)
    }

    /// Members of `service` that an event may override.
    mutating func appendService(_ event: EventFields, _ line: RawSpan, _ metadata: borrowing MetadataLine) {
        member(#""name":"#, .serviceName, event, line, metadata)
        appendServiceVersion(event, line, metadata)
        appendServiceEnvironment(event, line, metadata)
        appendServiceNode(event, line, metadata)
        appendNameAndVersion(#""language":"#, .languageName, .languageVersion, event, line, metadata)
        appendNameAndVersion(#""runtime":"#, .runtimeName, .runtimeVersion, event, line, metadata)
        appendNameAndVersion(#""framework":"#, .frameworkName, .frameworkVersion, event, line, metadata)
    }

    /// `"agent":{"name":…},"service":{"name":…,"environment":…,"language":{"name":…}`: how roll-ups name a service.
    ///
    /// The last brace is left to the caller, who may add members.
    mutating func appendServiceIdentity(
        _ event: EventFields,
        _ line: RawSpan,
        _ metadata: borrowing MetadataLine
    ) {
        let agent = openObject(#""agent":"#)
        member(#""name":"#, .agentName, event, line, metadata)
        closeObject(agent)
        _ = openObject(#""service":"#)
        member(#""name":"#, .serviceName, event, line, metadata)
        appendServiceEnvironment(event, line, metadata)
        let language = openObject(#""language":"#)
        member(#""name":"#, .languageName, event, line, metadata)
        closeObject(language)
    }

    /// Members of `agent` and `service` that are dimensions of the transaction roll-up.
    mutating func appendTransactionService(
        _ event: EventFields,
        _ line: RawSpan,
        _ metadata: borrowing MetadataLine
    ) {
        let agent = openObject(#""agent":"#)
        member(#""name":"#, .agentName, event, line, metadata)
        closeObject(agent)
        let service = openObject(#""service":"#)
        member(#""name":"#, .serviceName, event, line, metadata)
        appendServiceVersion(event, line, metadata)
        appendServiceEnvironment(event, line, metadata)
        appendServiceNode(event, line, metadata)
        appendNameAndVersion(#""language":"#, .languageName, .languageVersion, event, line, metadata)
        appendNameAndVersion(#""runtime":"#, .runtimeName, .runtimeVersion, event, line, metadata)
        closeObject(service)
    }

    /// A member from the event when it gives the field, else from the metadata.
    @inline(__always)
    private mutating func member(
        _ key: StaticString,
        _ field: Field,
        _ event: EventFields,
        _ line: RawSpan,
        _ metadata: borrowing MetadataLine
    ) {
        if event[field].isGiven {
            member(key, event[field], line)
        } else {
            member(key, metadata.fields[field], metadata.bytes.span.bytes)
        }
    }

    /// A version belongs to a name: an event that gives the name alone has none.
    private mutating func appendServiceVersion(
        _ event: EventFields,
        _ line: RawSpan,
        _ metadata: borrowing MetadataLine
    ) {
        if event[.serviceName].isGiven {
            member(#""version":"#, event[.serviceVersion], line)
        } else {
            member(#""version":"#, .serviceVersion, event, line, metadata)
        }
    }

    private mutating func appendServiceEnvironment(
        _ event: EventFields,
        _ line: RawSpan,
        _ metadata: borrowing MetadataLine
    ) {
        let mark = count
        member(#""environment":"#, .serviceEnvironment, event, line, metadata)
        guard count == mark, !metadata.environment.isEmpty else { return }
        key(#""environment":"#)
        append(metadata.environment)
    }

    private mutating func appendServiceNode(
        _ event: EventFields,
        _ line: RawSpan,
        _ metadata: borrowing MetadataLine
    ) {
        let node = openObject(#""node":"#)
        let mark = count
        member(#""name":"#, .serviceNodeName, event, line, metadata)
        if count == mark, !metadata.nodeName.isEmpty {
            key(#""name":"#)
            append(metadata.nodeName)
        }
        closeObject(node)
    }

    private mutating func appendNameAndVersion(
        _ key: StaticString,
        _ name: Field,
        _ version: Field,
        _ event: EventFields,
        _ line: RawSpan,
        _ metadata: borrowing MetadataLine
    ) {
        let object = openObject(key)
        member(#""name":"#, name, event, line, metadata)
        member(#""version":"#, version, event, line, metadata)
        closeObject(object)
    }
}
