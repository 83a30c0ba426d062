import Common

/// What every event has in common.
extension EventMapper {
    /// Begins an event: whose it is, whether this client may send it, and that its service was seen.
    ///
    /// Call it once for each event that becomes a document (or would, but for sampling), before anything is put out.
    ///
    /// - Throws: when this client may not send the event.
    func begin(
        _ fields: EventFields,
        at time: EventTime,
        _ line: RawSpan,
        _ metadata: RequestMetadata,
        _ output: IntakeOutput
    ) throws(IntakeError) -> EventOwner {
        let owner = owner(fields, line, metadata)
        if let gate = metadata.gate { try admit(gate, fields, line, metadata) }
        rollUpSummary(fields, at: time, owner, line, metadata, output)
        return owner
    }

    /// Who sent an event.
    func owner(_ fields: EventFields, _ line: RawSpan, _ metadata: RequestMetadata) -> EventOwner {
        guard fields.overridesService else { return metadata.owner }
        let name = fields[.agentName]
        return EventOwner(isOverridden: true, agent: name.isGiven ? AgentKind(name, line) : metadata.agent)
    }

    /// Asks whether the client may send an event of this agent and service.
    func admit(
        _ gate: EventGate,
        _ fields: EventFields,
        _ line: RawSpan,
        _ metadata: RequestMetadata
    ) throws(IntakeError) {
        agentName.removeAll()
        serviceName.removeAll()
        agentName.append(final: .agentName, fields, line, metadata.line)
        serviceName.append(final: .serviceName, fields, line, metadata.line)
        try agentName.withSpan { agent throws(IntakeError) in
            try serviceName.withSpan { service throws(IntakeError) in
                try gate.admit(agentName: agent, serviceName: service)
            }
        }
    }

    /// Adds one document.
    ///
    /// Written here is all that events of every kind have alike: `@timestamp`, `timestamp.us` (transactions, spans,
    /// errors), `processor.event` (not of logs), `data_stream`, `observer`, `host`, `container`, `kubernetes`, `network`,
    /// `agent`, `service` (with overrides, `origin` and `target`), `process` (with `thread.name`), `cloud` (with
    /// `origin`), `user`, `labels`, `numeric_labels`; `http` and `url` of transactions and errors; `user_agent`,
    /// `source` and `client`.
    ///
    /// - Parameters:
    ///   - owner: what `begin` answered.
    ///   - trace: of events that tail-based sampling may hold.
    ///   - infersTarget: whether a span's destination tells its `service.target`.
    ///   - body: appends the other members of the document.
    @inline(__always)
    func document(
        _ stream: DataStream,
        _ event: ProcessorEvent,
        at time: EventTime,
        _ owner: EventOwner,
        _ fields: EventFields,
        _ line: RawSpan,
        _ metadata: RequestMetadata,
        _ output: IntakeOutput,
        trace: TraceMember? = nil,
        infersTarget: Bool = false,
        _ body: (inout ByteBuffer) -> Void
    ) {
        let text = dataStream(stream, fields, line, metadata)
        func write(_ document: inout ByteBuffer) {
            appendCommon(event, at: time, owner, fields, line, metadata, text, infersTarget, into: &document)
            body(&document)
            document.append(UInt8(ascii: "}"))
        }
        guard let trace, output.held != nil, !trace.id.isEmpty else {
            return output.append(text.name.span.bytes, event, time: time.calendarTime, write)
        }
        output.append(
            text.name.span.bytes,
            event,
            time: time.calendarTime,
            holding: { held, index, id in
                hold(trace, in: held, index, id, fields, line, metadata, write)
            },
            write
        )
    }

    /// Appends the document's beginning, the brace included.
    @inline(never)
    private func appendCommon(
        _ event: ProcessorEvent,
        at time: EventTime,
        _ owner: EventOwner,
        _ fields: EventFields,
        _ line: RawSpan,
        _ metadata: RequestMetadata,
        _ stream: DataStreamText,
        _ infersTarget: Bool,
        into document: inout ByteBuffer
    ) {
        document.append(#"{"@timestamp":""# as StaticString)
        document.append(timestamp: time)
        document.append(UInt8(ascii: "\""))
        document.append(processor: event, at: time)
        document.separate()
        document.append(stream.members)
        document.append(.fixed, of: metadata)
        appendService(owner, fields, line, metadata, infersTarget, into: &document)
        document.appendProcess(fields, line, metadata)
        document.appendCloud(fields, line, metadata)
        document.appendUser(fields, line, metadata)
        if fields[.labels].isGiven {
            document.append(labels: fields[.labels], line, over: metadata.labels, &labelScratch)
        } else {
            document.append(.labels, of: metadata)
        }
        if event == .transaction || event == .error {
            appendRequest(fields, line, metadata, into: &document)
        } else {
            document.append(.browser, of: metadata)
            document.append(.browserAddress, of: metadata)
        }
    }

    private func appendService(
        _ owner: EventOwner,
        _ fields: EventFields,
        _ line: RawSpan,
        _ metadata: RequestMetadata,
        _ infersTarget: Bool,
        into document: inout ByteBuffer
    ) {
        let agent = document.openObject(#""agent":"#)
        if owner.isOverridden {
            document.appendAgent(fields, line, metadata.line)
        } else {
            document.append(.agent, of: metadata)
        }
        document.closeObject(agent)
        let service = document.openObject(#""service":"#)
        if owner.isOverridden {
            document.appendService(fields, line, metadata.line)
        } else {
            document.append(.service, of: metadata)
        }
        document.appendServiceOrigin(fields, line)
        document.appendServiceTarget(fields, line, infers: infersTarget)
        document.closeObject(service)
    }

    /// The data stream's name and members: of the event's own service, for streams that each service has.
    func dataStream(
        _ stream: DataStream,
        _ fields: EventFields,
        _ line: RawSpan,
        _ metadata: RequestMetadata
    ) -> DataStreamText {
        guard stream == .appMetrics || stream == .appLogs else { return dataStreams[stream.rawValue] }
        let name = fields[.serviceName]
        if name.isGiven, !metadata.hasSameServiceName(name, line) {
            return dataStream(stream, ofService: name, line)
        }
        return stream == .appLogs ? metadata.appLogs : metadata.appMetrics
    }

    private func dataStream(
        _ stream: DataStream,
        ofService name: FieldValue,
        _ line: RawSpan
    ) -> DataStreamText {
        scratch.removeAll()
        scratch.append(unescaped: name, of: line)
        let namespace = settings.namespace
        return scratch.withSpan { service in
            if let last = lastDataStream, last.stream == stream,
                service.withUnsafeBytes({ last.service.elementsEqual($0) })
            {
                return last.text
            }
            let text = DataStreamText(stream, service: service, namespace: namespace)
            lastDataStream = (stream, service.withUnsafeBytes { Array($0) }, text)
            return text
        }
    }
}

extension RequestMetadata {
    /// Whether an event names the service that the metadata names.
    fileprivate func hasSameServiceName(_ name: FieldValue, _ line: RawSpan) -> Bool {
        let own = self.line.fields[.serviceName]
        guard own.kind == name.kind, own.range.count == name.range.count else { return false }
        return self.line.bytes.withUnsafeBytes { bytes in
            line.withUnsafeBytes { bytes[own.range].elementsEqual($0[name.range]) }
        }
    }
}

extension ByteBuffer {
    /// Appends the text of a field after the event's overrides, its escapes resolved.
    fileprivate mutating func append(
        final field: Field,
        _ event: EventFields,
        _ line: RawSpan,
        _ metadata: borrowing MetadataLine
    ) {
        if event[field].isGiven {
            append(unescaped: event[field], of: line)
        } else {
            append(unescaped: metadata.fields[field], of: metadata.bytes.span.bytes)
        }
    }

    fileprivate mutating func append(processor event: ProcessorEvent, at time: EventTime) {
        switch event {
        case .transaction: append(#","processor":{"event":"transaction"}"# as StaticString)
        case .span: append(#","processor":{"event":"span"}"# as StaticString)
        case .error: append(#","processor":{"event":"error"}"# as StaticString)
        case .metric:
            append(#","processor":{"event":"metric"}"# as StaticString)
            return
        case .log: return
        }
        append(#","timestamp":{"us":"# as StaticString)
        append(decimal: time.microseconds)
        append(UInt8(ascii: "}"))
    }

    fileprivate mutating func appendProcess(
        _ fields: EventFields,
        _ line: RawSpan,
        _ metadata: RequestMetadata
    ) {
        let process = openObject(#""process":"#)
        append(.process, of: metadata)
        if fields[.threadName].isGiven {
            let thread = openObject(#""thread":"#)
            member(#""name":"#, fields[.threadName], line)
            closeObject(thread)
        }
        closeObject(process)
    }

    fileprivate mutating func appendCloud(
        _ fields: EventFields,
        _ line: RawSpan,
        _ metadata: RequestMetadata
    ) {
        let cloud = openObject(#""cloud":"#)
        append(.cloud, of: metadata)
        let origin = openObject(#""origin":"#)
        let account = openObject(#""account":"#)
        member(#""id":"#, fields[.cloudOriginAccountID], line)
        closeObject(account)
        member(#""provider":"#, fields[.cloudOriginProvider], line)
        member(#""region":"#, fields[.cloudOriginRegion], line)
        let service = openObject(#""service":"#)
        member(#""name":"#, fields[.cloudOriginServiceName], line)
        closeObject(service)
        closeObject(origin)
        closeObject(cloud)
    }

    /// The event's user replaces the metadata's as a whole.
    fileprivate mutating func appendUser(
        _ fields: EventFields,
        _ line: RawSpan,
        _ metadata: RequestMetadata
    ) {
        let user = openObject(#""user":"#)
        if fields.hasAny(.userID, .userEmail, .userName, .userDomain) {
            appendUser(fields, line)
        } else {
            append(.user, of: metadata)
        }
        closeObject(user)
    }

    fileprivate mutating func appendServiceOrigin(_ fields: EventFields, _ line: RawSpan) {
        let origin = openObject(#""origin":"#)
        member(#""id":"#, fields[.serviceOriginID], line)
        member(#""name":"#, fields[.serviceOriginName], line)
        member(#""version":"#, fields[.serviceOriginVersion], line)
        closeObject(origin)
    }
}
