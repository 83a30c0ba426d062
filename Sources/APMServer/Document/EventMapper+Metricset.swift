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
            document.key(#""metricset":{"name":"app""#)
            let samples = fields[.samples]
            // The pipelines that come with the store's own templates tell it the type, which the value does not.
            let movesHistograms = !isInternal && store.hasBuiltInTemplates
            if movesHistograms { appendHistograms(samples, line, into: &document) }
            document.append(UInt8(ascii: "}"))
            document.appendFaaS(fields, line)
            if hasSpan { document.appendSpanBreakdown(fields, count: .absent, sum: .absent, line) }
            appendSamples(samples, line, areHistogramsMoved: movesHistograms, into: &document)
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
        let count = sample("span.self_time.count", fields[.samples], line)
        let sum = sample("span.self_time.sum.us", fields[.samples], line)
        guard fields.hasAny(.spanType, .spanSubtype), count.isGiven || sum.isGiven else { return 0 }
        let time = EventTime(fields[.timestamp], line, else: metadata.request.received)
        let owner = try begin(fields, at: time, line, metadata, output)
        document(.internalMetrics, .metric, at: time, owner, fields, line, metadata, output) { document in
            document.key(#""metricset":{"name":"span_breakdown"}"#)
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
    private func sample(_ name: StaticString, _ samples: FieldValue, _ line: RawSpan) -> FieldValue {
        var reader = ListReader(samples)
        while let sample = reader.nextMember(line) {
            guard sample.value.isGiven, sample.key.equals(name, line) else { continue }
            decoder.element(.sample, .v2, line, sample.value.range, into: &element)
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

    /// Appends the histograms in the form that Elasticsearch's pipelines move to where readers expect them.
    ///
    ///     "samples":[{"name":"latency","type":"histogram","values":[1.5],"counts":[3]}]
    private func appendHistograms(
        _ samples: FieldValue,
        _ line: RawSpan,
        into document: inout ByteBuffer
    ) {
        let mark = document.count
        document.key(#""samples":["#)
        let start = document.count
        memberKeys.removeAll()
        var reader = ListReader(samples)
        while let sample = reader.nextMember(line) {
            guard isDocumented(sample, line) else { continue }
            decoder.element(.sample, .v2, line, sample.value.range, into: &element)
            guard element.isHistogram(line) else { continue }
            let object = document.count
            document.separate()
            document.append(#"{"name":"# as StaticString)
            let name = document.count + 1
            document.append(sample.key, line)
            let nameEnd = document.count - 1
            document.append(#","type":"histogram""# as StaticString)
            guard document.appendHistogram(element, line), memberKeys.insert(name..<nameEnd, in: document)
            else {
                document.truncate(to: object)
                continue
            }
            document.append(UInt8(ascii: "}"))
        }
        if document.count == start {
            document.truncate(to: mark)
        } else {
            document.append(UInt8(ascii: "]"))
        }
    }

    /// Whether there is a sample, under a name that a document can have.
    private func isDocumented(_ sample: (key: FieldValue, value: FieldValue), _ line: RawSpan) -> Bool {
        sample.value.kind == .object && !line.isBlank(sample.key.range)
            && !DocumentNames.isTopLevel(line, sample.key.range)
    }

    /// Writes each sample as a member under its own name, as Elasticsearch's pipelines leave them.
    ///
    /// - Parameter areHistogramsMoved: whether the pipelines are left to do so for histograms.
    private func appendSamples(
        _ samples: FieldValue,
        _ line: RawSpan,
        areHistogramsMoved: Bool,
        into document: inout ByteBuffer
    ) {
        memberKeys.removeAll()
        var reader = ListReader(samples)
        while let sample = reader.nextMember(line) {
            guard isDocumented(sample, line) else { continue }
            decoder.element(.sample, .v2, line, sample.value.range, into: &element)
            guard !areHistogramsMoved || !element.isHistogram(line) else { continue }
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

extension EventFields {
    /// Whether a sample is a histogram and not a number.
    fileprivate func isHistogram(_ line: RawSpan) -> Bool {
        self[.sampleType].equals("histogram", line) && self[.sampleValues].isGiven
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
            key(#""sum":{"us":"#)
            append(decimal: sum)
            append(UInt8(ascii: "}"))
        }
        closeObject(selfTime)
        closeObject(span)
    }

    /// Appends the members `values` and `counts` of a histogram.
    ///
    /// - Returns: false when nothing was measured.
    fileprivate mutating func appendHistogram(_ sample: EventFields, _ line: RawSpan) -> Bool {
        let mark = count
        freeForm(#""values":"#, sample[.sampleValues], line)
        freeForm(#""counts":"#, sample[.sampleCounts], line)
        return count > mark
    }

    /// Appends the value of a sample: a histogram's values and counts, else its number.
    ///
    /// - Returns: false when nothing was measured.
    fileprivate mutating func appendSample(_ sample: EventFields, _ line: RawSpan) -> Bool {
        if sample.isHistogram(line) {
            append(UInt8(ascii: "{"))
            let hasValues = appendHistogram(sample, line)
            append(UInt8(ascii: "}"))
            return hasValues
        }
        if sample[.sampleValue].kind == .number {
            append(double: line, sample[.sampleValue].range)
        } else {
            append(UInt8(ascii: "0"))
        }
        return true
    }
}
