import Common

extension EventMapper {
    /// Counts and stores a transaction of RUM v3 with the spans and metrics that its line holds.
    func rumTransaction(
        _ fields: EventFields,
        _ line: RawSpan,
        _ metadata: RequestMetadata,
        _ output: IntakeOutput
    ) throws(IntakeError) -> Int {
        listNested(fields, line)
        try admitNested(fields, line, metadata)
        let time = EventTime(metadata.request.received)
        let owner = owner(fields, line, metadata)
        rollUpSummary(fields, at: time, owner, line, metadata, output)
        let facts = TransactionFacts(fields, .v3, at: time, owner, line)
        countAndStore(facts, fields, line, metadata, output)
        for metricset in nestedMetricsets {
            storeBreakdown(metricset, of: fields, at: time, line, metadata, output)
        }
        for span in nestedSpans {
            countAndStore(nestedSpan: span, of: fields, line, metadata, output)
        }
        return 1 + nestedMetricsets.count + nestedSpans.count
    }

    /// Notes the spans, their ids, and those metricsets that make a document.
    private func listNested(_ fields: EventFields, _ line: RawSpan) {
        nestedSpans.removeAll(keepingCapacity: true)
        nestedSpanIDs.removeAll(keepingCapacity: true)
        nestedMetricsets.removeAll(keepingCapacity: true)
        var spans = ListReader(fields[.nestedSpans])
        while let span = spans.next(line) {
            decoder.element(.nestedSpan, .v3, line, span.range, into: &nested)
            nestedSpans.append(span)
            nestedSpanIDs.append(nested[.id])
        }
        var metricsets = ListReader(fields[.nestedMetricsets])
        while let metricset = metricsets.next(line) {
            decoder.element(.nestedMetricset, .v3, line, metricset.range, into: &nested)
            let hasTime = nested.hasAny(.selfTimeCount, .selfTimeSumMicroseconds)
            if hasTime, nested.hasAny(.spanType, .spanSubtype) { nestedMetricsets.append(metricset) }
        }
    }

    /// Asks for all parts before the first is put out.
    private func admitNested(
        _ fields: EventFields,
        _ line: RawSpan,
        _ metadata: RequestMetadata
    ) throws(IntakeError) {
        guard let gate = metadata.gate else { return }
        try admit(gate, fields, line, metadata)
        for _ in nestedMetricsets { try admit(gate, .none, line, metadata) }
        for span in nestedSpans {
            decoder.element(.nestedSpan, .v3, line, span.range, into: &nested)
            try admit(gate, nested, line, metadata)
        }
    }

    private func countAndStore(
        nestedSpan span: FieldValue,
        of transaction: EventFields,
        _ line: RawSpan,
        _ metadata: RequestMetadata,
        _ output: IntakeOutput
    ) {
        decoder.element(.nestedSpan, .v3, line, span.range, into: &nested)
        let span = nested
        let time = EventTime(ofSpan: span, line, received: metadata.request.received)
        let owner = owner(span, line, metadata)
        rollUpSummary(span, at: time, owner, line, metadata, output)
        let facts = SpanFacts(
            time: time,
            owner: owner,
            duration: AgentDuration(span[.duration], line),
            outcome: Outcome(span[.outcome], status: span[.httpStatusCode], failsFrom: 400, line),
            type: SpanType(span, line),
            composite: nil,
            traceID: transaction[.traceID],
            parentID: parentID(of: span, line) ?? transaction[.id],
            transactionID: transaction[.id],
            dialect: .v3
        )
        representativeCount.read(span[.sampleRate], line, missing: 0)
        countAndStore(facts, span, line, metadata, output)
    }

    /// The id of the span that a span names as its parent, by its place in the list; nil for none.
    private func parentID(of span: EventFields, _ line: RawSpan) -> FieldValue? {
        guard let index = span[.parentIndex].integer(line), index >= 0, index < Int64(nestedSpanIDs.count)
        else {
            return nil
        }
        return nestedSpanIDs[Int(index)]
    }

    /// Stores the time that spans of one type took of the transaction.
    private func storeBreakdown(
        _ metricset: FieldValue,
        of transaction: EventFields,
        at time: EventTime,
        _ line: RawSpan,
        _ metadata: RequestMetadata,
        _ output: IntakeOutput
    ) {
        decoder.element(.nestedMetricset, .v3, line, metricset.range, into: &nested)
        let values = nested
        rollUpSummary(.none, at: time, metadata.owner, line, metadata, output)
        document(.internalMetrics, .metric, at: time, metadata.owner, .none, line, metadata, output) {
            document in
            let object = document.openObject(#""transaction":"#)
            document.member(#""name":"#, transaction[.name], line)
            document.member(#""type":"#, transaction[.type], line)
            document.closeObject(object)
            document.appendSpanBreakdown(
                values,
                count: values[.selfTimeCount],
                sum: values[.selfTimeSumMicroseconds],
                line
            )
        }
    }
}
