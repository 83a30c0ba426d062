import Common

/// What is known of a transaction besides its fields.
struct TransactionFacts {
    let time: EventTime
    let owner: EventOwner
    let duration: AgentDuration
    let outcome: Outcome
    /// Whether nothing called it that is part of its trace.
    let isRoot: Bool
    /// Those of RUM v3 have no `span.id`, and short names for marks.
    let dialect: Dialect
}

extension EventMapper {
    func transaction(
        _ fields: EventFields,
        _ line: RawSpan,
        _ metadata: RequestMetadata,
        _ output: IntakeOutput
    ) throws(IntakeError) -> Int {
        try otel.translate(fields, line, isTransaction: true, metadata) { fields, line throws(IntakeError) in
            try translatedTransaction(fields, line, metadata, output)
        }
        return 1
    }

    /// Counts and stores a transaction of intake v2 that has nothing to translate any more.
    private func translatedTransaction(
        _ fields: EventFields,
        _ line: RawSpan,
        _ metadata: RequestMetadata,
        _ output: IntakeOutput
    ) throws(IntakeError) {
        let time = EventTime(fields[.timestamp], line, else: metadata.request.received)
        let owner = try begin(fields, at: time, line, metadata, output)
        let facts = TransactionFacts(fields, .v2, at: time, owner, line)
        countAndStore(facts, fields, line, metadata, output)
    }

    /// Adds a transaction to the roll-ups, and its document if it is sampled.
    func countAndStore(
        _ facts: TransactionFacts,
        _ fields: EventFields,
        _ line: RawSpan,
        _ metadata: RequestMetadata,
        _ output: IntakeOutput
    ) {
        representativeCount.read(fields[.sampleRate], line)
        if representativeCount.value > 0 {
            rollUpTransaction(facts, fields, line, metadata, output)
            rollUpDroppedSpans(facts, fields, line, metadata, output)
        }
        let isFrontend = facts.owner.agent.isFrontend
        let isSampled = fields[.sampled].kind != .false
        guard isSampled || isFrontend else { return }
        let stream = isFrontend ? DataStream.rumTraces : .traces
        let (time, owner) = (facts.time, facts.owner)
        let trace = TraceMember(id: fields[.traceID], rootOutcome: facts.isRoot ? facts.outcome : nil)
        document(
            stream,
            .transaction,
            at: time,
            owner,
            fields,
            line,
            metadata,
            output,
            trace: isSampled ? trace : nil
        ) { document in
            append(facts, fields, line, into: &document)
        }
    }

    private func append(
        _ facts: TransactionFacts,
        _ fields: EventFields,
        _ line: RawSpan,
        into document: inout ByteBuffer
    ) {
        document.appendID(#""trace":"#, fields[.traceID], line)
        document.appendID(#""parent":"#, fields[.parentID], line)
        appendTransaction(facts, fields, line, into: &document)
        let span = document.openObject(#""span":"#)
        if facts.dialect == .v2 { document.member(#""id":"#, fields[.id], line) }
        document.member(#""kind":"#, fields[.otelSpanKind], line)
        appendLinks(fields[.links], line, into: &document)
        document.closeObject(span)
        document.appendEvent(facts.outcome, &representativeCount)
        let session = document.openObject(#""session":"#)
        document.member(#""id":"#, fields[.sessionID], line)
        document.member(#""sequence":"#, fields[.sessionSequence], line)
        document.closeObject(session)
        document.appendFaaS(fields, line)
    }

    private func appendTransaction(
        _ facts: TransactionFacts,
        _ fields: EventFields,
        _ line: RawSpan,
        into document: inout ByteBuffer
    ) {
        let transaction = document.openObject(#""transaction":"#)
        document.member(#""id":"#, fields[.id], line)
        document.member(#""name":"#, fields[.name], line)
        document.key(#""type":"#)
        document.append(type: fields[.type], line)
        document.member(#""result":"#, fields[.result], line)
        if fields[.sampled].kind != .false { document.key(#""sampled":true"#) }
        document.key(#""duration":{"us":"#)
        document.append(decimal: facts.duration.microseconds)
        document.append(UInt8(ascii: "}"))
        document.append(&representativeCount)
        let spans = document.openObject(#""span_count":"#)
        document.member(#""started":"#, fields[.spanCountStarted], line)
        document.member(#""dropped":"#, fields[.spanCountDropped], line)
        document.closeObject(spans)
        appendMarks(fields[.marks], line, areShort: facts.dialect == .v3, into: &document)
        document.freeForm(#""custom":"#, fields[.custom], line, sanitizesKeys: true)
        appendMessage(fields, line, into: &document)
        document.appendExperience(fields, line)
        document.listMember(#""profiler_stack_trace_ids":"#, fields[.otelProfilerStackTraceIDs], line)
        document.closeObject(transaction)
    }

    /// Appends `message` of a transaction or a span.
    func appendMessage(_ fields: EventFields, _ line: RawSpan, into document: inout ByteBuffer) {
        let message = document.openObject(#""message":"#)
        document.member(#""body":"#, fields[.messageBody], line)
        document.headers(#""headers":"#, fields[.messageHeaders], line, &memberKeys)
        let queue = document.openObject(#""queue":"#)
        document.member(#""name":"#, fields[.messageQueueName], line)
        document.closeObject(queue)
        document.member(#""routing_key":"#, fields[.messageRoutingKey], line)
        let age = document.openObject(#""age":"#)
        document.member(#""ms":"#, fields[.messageAgeMilliseconds], line)
        document.closeObject(age)
        document.closeObject(message)
    }

    /// Appends `links` of a transaction or a span.
    func appendLinks(_ links: FieldValue, _ line: RawSpan, into document: inout ByteBuffer) {
        guard links.kind == .array else { return }
        let mark = document.count
        document.key(#""links":["#)
        let start = document.count
        var list = ListReader(links)
        while let link = list.next(line) {
            decoder.element(.link, .v2, line, link.range, into: &element)
            document.separate()
            document.append(UInt8(ascii: "{"))
            document.appendID(#""trace":"#, element[.traceID], line)
            document.appendID(#""span":"#, element[.spanID], line)
            document.append(UInt8(ascii: "}"))
        }
        if document.count == start {
            document.truncate(to: mark)
        } else {
            document.append(UInt8(ascii: "]"))
        }
    }

    /// The first of the destinations of spans that the agent dropped count; more are not looked at.
    private static let maxDroppedSpanStatistics = 128

    private func rollUpDroppedSpans(
        _ facts: TransactionFacts,
        _ fields: EventFields,
        _ line: RawSpan,
        _ metadata: RequestMetadata,
        _ output: IntakeOutput
    ) {
        guard fields[.droppedSpansStats].isGiven else { return }
        var list = ListReader(fields[.droppedSpansStats])
        var rest = Self.maxDroppedSpanStatistics
        while rest > 0, let statistics = list.next(line) {
            rest -= 1
            decoder.element(.droppedSpanStatistics, .v2, line, statistics.range, into: &element)
            let type = element[.droppedTargetType]
            let name = element[.droppedTargetName]
            let given = element[.outcome]
            rollUpDestination(
                at: facts.time,
                facts.owner,
                fields,
                spanName: .absent,
                resource: element[.droppedResource],
                outcome: given.hasText
                    ? Outcome(given, status: .absent, failsFrom: 0, line) : nil,
                count: element[.droppedCount].integer(line) ?? 0,
                microseconds: element[.droppedSumMicroseconds].integer(line) ?? 0,
                line,
                metadata,
                output
            ) { key in
                guard type.hasText || name.hasText else { return }
                key.appendTarget(type: type, name: name, line)
            }
        }
    }
}

extension TransactionFacts {
    init(
        _ fields: EventFields,
        _ dialect: Dialect,
        at time: EventTime,
        _ owner: EventOwner,
        _ line: RawSpan
    ) {
        self.init(
            time: time,
            owner: owner,
            duration: AgentDuration(fields[.duration], line),
            outcome: Outcome(
                fields[.outcome],
                status: fields[.responseStatusCode],
                failsFrom: 500,
                line
            ),
            isRoot: fields[.parentID].isEmpty,
            dialect: dialect
        )
    }
}

extension ByteBuffer {
    /// Appends the type of a transaction or a span, which always has one.
    ///
    /// - Parameter type: a string or a part of one.
    mutating func append(type: FieldValue, _ line: RawSpan) {
        if type.hasText {
            appendQuoted(type, line)
        } else {
            append(#""unknown""# as StaticString)
        }
    }

    /// What a user felt of a page: once there is anything, the statistics of long tasks are written too.
    fileprivate mutating func appendExperience(_ fields: EventFields, _ line: RawSpan) {
        let experience = openObject(#""experience":"#)
        member(#""cls":"#, fields[.experienceCLS], line)
        member(#""fid":"#, fields[.experienceFID], line)
        member(#""tbt":"#, fields[.experienceTBT], line)
        let count = fields[.longtaskCount]
        if self[self.count - 1] != UInt8(ascii: "{") || count.isGiven {
            key(#""longtask":{"count":"#)
            appendNumber(count, line)
            key(#""sum":"#)
            appendNumber(fields[.longtaskSum], line)
            key(#""max":"#)
            appendNumber(fields[.longtaskMax], line)
            append(UInt8(ascii: "}"))
        }
        closeObject(experience)
    }

    private mutating func appendNumber(_ value: FieldValue, _ line: RawSpan) {
        if value.isGiven {
            append(value, line)
        } else {
            append(UInt8(ascii: "0"))
        }
    }
}
