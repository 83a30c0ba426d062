import Common

extension EventMapper {
    func span(
        _ fields: EventFields,
        _ line: RawSpan,
        _ metadata: RequestMetadata,
        _ output: IntakeOutput
    ) throws(IntakeError) -> Int {
        try otel.translate(fields, line, isTransaction: false, metadata) { fields, line throws(IntakeError) in
            try translatedSpan(fields, line, metadata, output)
        }
        return 1
    }

    /// Counts and stores a span of intake v2 that has nothing to translate any more.
    private func translatedSpan(
        _ fields: EventFields,
        _ line: RawSpan,
        _ metadata: RequestMetadata,
        _ output: IntakeOutput
    ) throws(IntakeError) {
        let time = EventTime(ofSpan: fields, line, received: metadata.request.received)
        let owner = try begin(fields, at: time, line, metadata, output)
        let facts = SpanFacts(
            time: time,
            owner: owner,
            duration: AgentDuration(fields[.duration], line),
            outcome: Outcome(fields[.outcome], status: fields[.httpStatusCode], failsFrom: 400, line),
            type: SpanType(fields, line),
            composite: Composite(fields, line),
            traceID: fields[.traceID],
            parentID: fields[.parentID],
            transactionID: fields[.transactionID],
            dialect: .v2
        )
        representativeCount.read(fields[.sampleRate], line)
        countAndStore(facts, fields, line, metadata, output)
    }

    /// Adds a span to the roll-ups, and its document.
    func countAndStore(
        _ facts: SpanFacts,
        _ fields: EventFields,
        _ line: RawSpan,
        _ metadata: RequestMetadata,
        _ output: IntakeOutput
    ) {
        rollUpDestination(facts, fields, line, metadata, output)
        let stream = facts.owner.agent.isFrontend ? DataStream.rumTraces : .traces
        document(
            stream,
            .span,
            at: facts.time,
            facts.owner,
            fields,
            line,
            metadata,
            output,
            trace: TraceMember(id: facts.traceID, rootOutcome: nil),
            infersTarget: facts.infersTarget
        ) { document in
            append(facts, fields, line, metadata, into: &document)
        }
    }

    private func rollUpDestination(
        _ facts: SpanFacts,
        _ fields: EventFields,
        _ line: RawSpan,
        _ metadata: RequestMetadata,
        _ output: IntakeOutput
    ) {
        let resource = fields[.destinationServiceResource]
        let hasTarget = fields.hasText(.serviceTargetType) || fields.hasText(.serviceTargetName)
        guard representativeCount.value > 0, hasTarget || fields.hasText(.destinationServiceResource) else {
            return
        }
        rollUpDestination(
            at: facts.time,
            facts.owner,
            fields,
            spanName: fields[.name],
            resource: resource,
            outcome: facts.outcome,
            count: facts.composite?.count ?? 1,
            microseconds: (facts.composite?.sum ?? facts.duration).microseconds,
            line,
            metadata,
            output
        ) { key in
            key.appendServiceTarget(fields, line, infers: facts.infersTarget)
        }
    }

    private func append(
        _ facts: SpanFacts,
        _ fields: EventFields,
        _ line: RawSpan,
        _ metadata: RequestMetadata,
        into document: inout ByteBuffer
    ) {
        document.appendID(#""trace":"#, facts.traceID, line)
        document.appendID(#""parent":"#, facts.parentID, line)
        document.appendID(#""transaction":"#, facts.transactionID, line)
        let child = document.openObject(#""child":"#)
        document.listMember(#""id":"#, fields[.childIDs], line)
        document.closeObject(child)
        appendSpan(facts, fields, line, metadata, into: &document)
        document.appendDestination(fields, line)
        appendHTTP(ofSpan: fields, line, into: &document)
        let url = document.openObject(#""url":"#)
        document.member(#""original":"#, fields[.httpURL], line)
        document.closeObject(url)
        document.appendEvent(facts.outcome, &representativeCount)
    }

    private func appendSpan(
        _ facts: SpanFacts,
        _ fields: EventFields,
        _ line: RawSpan,
        _ metadata: RequestMetadata,
        into document: inout ByteBuffer
    ) {
        let span = document.openObject(#""span":"#)
        document.member(#""id":"#, fields[.id], line)
        document.member(#""name":"#, fields[.name], line)
        document.append(facts.type, line)
        document.member(#""kind":"#, fields[.otelSpanKind], line)
        document.key(#""duration":{"us":"#)
        document.append(decimal: facts.duration.microseconds)
        document.append(UInt8(ascii: "}"))
        document.member(#""sync":"#, fields[.sync], line)
        document.append(&representativeCount)
        if let composite = facts.composite { document.append(composite) }
        document.appendDatabase(fields, line)
        document.appendDestinationService(fields, line)
        appendMessage(fields, line, into: &document)
        appendLinks(fields[.links], line, into: &document)
        stackTraces.append(
            #""stacktrace":"#,
            fields[.stacktrace],
            facts.dialect,
            line,
            metadata,
            into: &document
        )
        document.closeObject(span)
    }

    private func appendHTTP(ofSpan fields: EventFields, _ line: RawSpan, into document: inout ByteBuffer) {
        let http = document.openObject(#""http":"#)
        let request = document.openObject(#""request":"#)
        document.member(#""method":"#, fields[.httpMethod], line)
        document.member(#""id":"#, fields[.httpRequestID], line)
        let body = document.openObject(#""body":"#)
        document.freeForm(#""original":"#, fields[.httpRequestBody], line)
        document.closeObject(body)
        document.closeObject(request)
        let deprecated = fields[.httpStatusCode]
        let status = deprecated.isGiven ? deprecated : fields[.responseStatusCode]
        appendResponse(fields, status: status, line, into: &document)
        document.closeObject(http)
    }
}

extension ByteBuffer {
    fileprivate mutating func append(_ type: SpanType, _ line: RawSpan) {
        key(#""type":"#)
        append(type: type.type, line)
        quotedMember(#""subtype":"#, type.subtype, line)
        quotedMember(#""action":"#, type.action, line)
    }

    fileprivate mutating func append(_ composite: Composite) {
        key(#""composite":{"#)
        switch composite.strategy {
        case .exactMatch: append(#""compression_strategy":"exact_match","# as StaticString)
        case .sameKind: append(#""compression_strategy":"same_kind","# as StaticString)
        case .unknown: break
        }
        append(#""count":"# as StaticString)
        append(decimal: composite.count)
        append(#","sum":{"us":"# as StaticString)
        append(decimal: composite.sum.microseconds)
        append("}}" as StaticString)
    }

    fileprivate mutating func appendDatabase(_ fields: EventFields, _ line: RawSpan) {
        let database = openObject(#""db":"#)
        member(#""instance":"#, fields[.dbInstance], line)
        member(#""statement":"#, fields[.dbStatement], line)
        member(#""type":"#, fields[.dbType], line)
        member(#""link":"#, fields[.dbLink], line)
        member(#""rows_affected":"#, fields[.dbRowsAffected], line)
        let user = openObject(#""user":"#)
        member(#""name":"#, fields[.dbUser], line)
        closeObject(user)
        closeObject(database)
    }

    fileprivate mutating func appendDestinationService(_ fields: EventFields, _ line: RawSpan) {
        let destination = openObject(#""destination":"#)
        let service = openObject(#""service":"#)
        member(#""name":"#, fields[.destinationServiceName], line)
        member(#""resource":"#, fields[.destinationServiceResource], line)
        member(#""type":"#, fields[.destinationServiceType], line)
        closeObject(service)
        closeObject(destination)
    }

    fileprivate mutating func appendDestination(_ fields: EventFields, _ line: RawSpan) {
        let address = fields[.destinationAddress]
        let destination = openObject(#""destination":"#)
        member(#""address":"#, address, line)
        // As it was sent, unlike the addresses of clients.
        if address.kind == .string, IPAddress(line, address.range) != nil {
            member(#""ip":"#, address, line)
        }
        memberUnlessZero(#""port":"#, fields[.destinationPort], line)
        closeObject(destination)
    }
}
