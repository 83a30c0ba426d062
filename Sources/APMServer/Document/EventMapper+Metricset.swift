import Common

/// Metricsets: samples of an agent or a service, and how the time of transactions splits into spans.
extension EventMapper {
    func metricset(
        _ fields: EventFields,
        _ line: RawSpan,
        _ metadata: RequestMetadata,
        _ output: IntakeOutput
    ) throws(IntakeError) -> Int {
        if fields.hasAny(.transactionType, .transactionName) {
            return try breakdown(fields, line, metadata, output)
        }
        let time = EventTime(fields[.timestamp], line, else: metadata.request.received)
        let owner = try begin(fields, at: time, line, metadata, output)
        let hasSpan = fields.hasAny(.spanType, .spanSubtype)
        let isInternal = hasSpan || hasKnownSamplesOnly(fields[.samples], line)
        document(
            isInternal ? .internalMetrics : .appMetrics,
            .metric,
            at: time,
            owner,
            fields,
            line,
            metadata,
            output
        ) { document in
            document.key(#""metricset":"#)
            document.append(#"{"name":"app"}"# as StaticString)
            document.appendFaaS(fields, line)
            if hasSpan { document.appendSpanBreakdown(fields, count: .absent, sum: .absent, line) }
            appendSamples(fields[.samples], line, metadata.dialect, into: &document)
        }
        return 1
    }

    /// A metricset that names a transaction counts for its two samples of a span's time alone; without a span or
    /// either of them there is nothing to store.
    private func breakdown(
        _ fields: EventFields,
        _ line: RawSpan,
        _ metadata: RequestMetadata,
        _ output: IntakeOutput
    ) throws(IntakeError) -> Int {
        let count = sample("span.self_time.count", fields[.samples], line, metadata.dialect)
        let sum = sample("span.self_time.sum.us", fields[.samples], line, metadata.dialect)
        guard fields.hasAny(.spanType, .spanSubtype), count.isGiven || sum.isGiven else { return 0 }
        let time = EventTime(fields[.timestamp], line, else: metadata.request.received)
        let owner = try begin(fields, at: time, line, metadata, output)
        document(.internalMetrics, .metric, at: time, owner, fields, line, metadata, output) { document in
            document.key(#""metricset":"#)
            document.append(#"{"name":"span_breakdown"}"# as StaticString)
            document.appendFaaS(fields, line)
            let transaction = document.openObject(#""transaction":"#)
            document.member(#""type":"#, fields[.transactionType], line)
            document.member(#""name":"#, fields[.transactionName], line)
            document.closeObject(transaction)
            document.appendSpanBreakdown(fields, count: count, sum: sum, line)
        }
        return 1
    }

    /// The number of one sample; absent when the agent did not send it.
    private func sample(
        _ name: StaticString,
        _ samples: FieldValue,
        _ line: RawSpan,
        _ dialect: Dialect
    ) -> FieldValue {
        var reader = ListReader(samples)
        while let sample = reader.nextMember(line) {
            guard sample.value.isGiven, sample.key.equals(name, line) else { continue }
            decoder.element(.sample, dialect, line, sample.value.range, into: &element)
            return element[.sampleValue]
        }
        return .absent
    }

    private func hasKnownSamplesOnly(_ samples: FieldValue, _ line: RawSpan) -> Bool {
        var reader = ListReader(samples)
        while let sample = reader.nextMember(line) {
            guard !sample.value.isGiven || MetricNames.isKnown(line, sample.key.range) else { return false }
        }
        return true
    }

    /// Writes each sample as a member under its own name, as Elasticsearch's pipelines leave them.
    private func appendSamples(
        _ samples: FieldValue,
        _ line: RawSpan,
        _ dialect: Dialect,
        into document: inout ByteBuffer
    ) {
        memberKeys.removeAll()
        var reader = ListReader(samples)
        while let sample = reader.nextMember(line) {
            guard sample.value.kind == .object, !line.isBlank(sample.key.range),
                !DocumentNames.isTopLevel(line, sample.key.range)
            else { continue }
            decoder.element(.sample, dialect, line, sample.value.range, into: &element)
            let mark = document.count
            document.separate()
            let start = document.count
            document.append(sample.key, line)
            let name = start + 1..<document.count - 1
            document.append(UInt8(ascii: ":"))
            guard document.appendSample(element, line), memberKeys.insert(name, in: document) else {
                document.truncate(to: mark)
                continue
            }
        }
    }
}

/// Members that documents of metricsets have besides samples.
enum DocumentNames {
    /// Whether a sample of this name would make a second member of one name, for which stores refuse the document.
    static func isTopLevel(_ bytes: RawSpan, _ name: Range<Int>) -> Bool { names[bytes, name] != nil }

    private static let names = NameTable<Bool>(
        """
        @timestamp agent client cloud container data_stream event faas host kubernetes labels metricset network \
        numeric_labels observer process processor service source span timestamp transaction user user_agent
        """.split(separator: " ").map { (name: String($0), value: true) }
    )
}

extension ByteBuffer {
    /// Appends `span` of a metricset: its kind, and the time spent in spans of that kind themselves.
    ///
    /// - Parameters:
    ///   - metricset: has `spanType` and `spanSubtype`.
    ///   - count: number of spans.
    ///   - sum: microseconds.
    mutating func appendSpanBreakdown(
        _ metricset: EventFields,
        count: FieldValue,
        sum: FieldValue,
        _ line: RawSpan
    ) {
        let span = openObject(#""span":"#)
        member(#""type":"#, metricset[.spanType], line)
        member(#""subtype":"#, metricset[.spanSubtype], line)
        let selfTime = openObject(#""self_time":"#)
        if let count = count.scaled(line, scale: 0) { member(#""count":"#, count) }
        if let sum = sum.scaled(line, scale: 0) {
            key(#""sum":"#)
            append(#"{"us":"# as StaticString)
            append(decimal: sum)
            append(UInt8(ascii: "}"))
        }
        closeObject(selfTime)
        closeObject(span)
    }

    /// Appends the value of a sample: a histogram's values and counts, else its number.
    ///
    /// - Returns: false when nothing was measured.
    fileprivate mutating func appendSample(_ sample: EventFields, _ line: RawSpan) -> Bool {
        if sample[.sampleType].equals("histogram", line), sample[.sampleValues].isGiven {
            append(UInt8(ascii: "{"))
            freeForm(#""values":"#, sample[.sampleValues], line)
            freeForm(#""counts":"#, sample[.sampleCounts], line)
            let isEmpty = self[count - 1] == UInt8(ascii: "{")
            append(UInt8(ascii: "}"))
            return !isEmpty
        }
        if sample[.sampleValue].kind == .number {
            append(double: line, sample[.sampleValue].range)
        } else {
            append(UInt8(ascii: "0"))
        }
        return true
    }
}
