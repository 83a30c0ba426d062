import Common

/// Writes groups as the documents that Kibana reads.
///
///     {"@timestamp":"2006-01-02T15:04:00.000Z","observer":{…},"data_stream":{"type":"metrics",
///      "dataset":"apm.transaction.1m","namespace":"default"},
///      "metricset":{"name":"transaction","interval":"1m"},"processor":{"event":"metric"}, first part of the key,
///      "transaction":{second part,"duration":{"histogram":{"values":[1003519],"counts":[5]},
///      "summary":{"value_count":5,"sum":5017595}}},
///      "event":{third part,"success_count":{"value_count":5,"sum":5}},"_doc_count":5}
struct RollUpDocuments: Sendable {
    /// What is the same in all documents of one kind and interval.
    private struct Frame: Sendable {
        var dataStream: [UInt8]
        /// From the comma behind the time.
        var members: [UInt8]
    }

    private let frames: [[Frame]]
    private let indexNames: IndexNames

    init(_ settings: MappingSettings, indexNames: IndexNames) {
        self.indexNames = indexNames
        frames = RollUpKind.allCases.map { kind in
            RollUpInterval.allCases.map { Self.frame(kind, $0, settings) }
        }
    }

    private static func frame(_ kind: RollUpKind, _ interval: RollUpInterval, _ settings: MappingSettings)
        -> Frame
    {
        let dataset = "apm.\(kind.name).\(interval.name)"
        var text = ByteBuffer(capacity: 512)
        text.append(#","observer":{"# as StaticString)
        if !settings.observerHostname.isEmpty {
            text.key(#""hostname":"#)
            text.append(jsonString: settings.observerHostname)
        }
        text.key(#""type":"apm-server","version":"#)
        text.append(jsonString: settings.observerVersion)
        text.append(#"},"data_stream":{"type":"metrics","dataset":"\#(dataset)","namespace":"#)
        text.append(jsonString: settings.namespace)
        text.append(#"},"metricset":{"name":"\#(kind.name)","interval":"\#(interval.name)"}"#)
        text.append(#","processor":{"event":"metric"}"# as StaticString)
        return Frame(dataStream: Array("metrics-\(dataset)-\(settings.namespace)".utf8), members: text.array)
    }

    /// One group of a table with what surrounds it.
    struct Source {
        var table: RollUpTable
        var group: RollUpTable.Group
        /// The group's histogram, by duration.
        var cells: ArraySlice<HistogramCells.Cell>
        var interval: RollUpInterval
        /// Start of the interval of writing, in seconds: the time of overflow documents.
        var writtenAt: Int64
        /// Names the flush: it and the group make the document's id.
        var flush: SipHash.Value
    }

    /// Appends the document of one group.
    func append(_ source: Source, to batch: BulkBatch) {
        let seconds =
            source.group.isOverflow ? source.writtenAt : source.interval.start(of: source.group.time)
        // Beyond, nanoseconds do not fit.
        let time = CalendarTime(seconds: min(max(seconds, -9_223_372_036), 9_223_372_036))
        let frame = frames[Int(source.group.kind.rawValue)][Int(source.interval.rawValue)]
        let id = RollUpID.make(source)
        func append(_ index: RawSpan) {
            batch.append(index: index, id: id.span.bytes) { document in
                document.append(#"{"@timestamp":""# as StaticString)
                document.append(iso8601: time)
                document.append(UInt8(ascii: "\""))
                document.append(frame.members)
                source.write(to: &document)
                document.append(UInt8(ascii: "}"))
            }
        }
        if indexNames.isClassic {
            indexNames.withClassicName(of: .metric, time: time, append)
        } else {
            append(frame.dataStream.span.bytes)
        }
    }
}

// MARK: - The group's own members

extension RollUpDocuments.Source {
    fileprivate func write(to document: inout ByteBuffer) {
        appendTop(to: &document)
        switch group.kind {
        case .transaction, .serviceTransaction: appendTransaction(to: &document)
        case .serviceDestination: appendDestination(to: &document)
        case .serviceSummary: break
        }
        guard group.isOverflow, group.kind != .transaction else { return }
        document.separate()
        document.append("\"\(group.kind.name)\":{")
        appendLost(to: &document)
        document.append(UInt8(ascii: "}"))
    }

    private func appendTop(to document: inout ByteBuffer) {
        guard group.isOverflow, group.kind == .serviceDestination else {
            append(0..<Int(group.top), to: &document)
            return
        }
        // `service` comes last; its target goes inside.
        append(0..<Int(group.keyCount) - 1, to: &document)
        document.append(#","target":{"type":"","name":"_other"}}"# as StaticString)
    }

    private func appendTransaction(to document: inout ByteBuffer) {
        let transaction = document.openObject(#""transaction":"#)
        if !group.isOverflow {
            append(Int(group.top)..<Int(group.inner), to: &document)
        } else if group.kind == .transaction {
            document.key(#""name":"_other""#)
        } else {
            document.key(#""type":"_other""#)
        }
        let count = appendDuration(to: &document)
        if group.isOverflow, group.kind == .transaction { appendLost(to: &document) }
        document.closeObject(transaction)

        let event = document.openObject(#""event":"#)
        append(Int(group.inner)..<Int(group.keyCount), to: &document)
        let outcomes = group.first.addingSaturated(group.second).whole
        if outcomes > 0 {
            document.key(#""success_count":{"value_count":"#)
            document.append(decimal: outcomes)
            document.append(#","sum":"# as StaticString)
            document.append(decimal: group.first.whole)
            document.append(UInt8(ascii: "}"))
        }
        document.closeObject(event)
        appendCount(count, to: &document)
    }

    /// - Returns: how many durations the histogram holds.
    private func appendDuration(to document: inout ByteBuffer) -> Int64 {
        let buckets = cells.lazy.map { ($0.bucket, $0.weight.whole) }.filter { $0.1 > 0 }
        var (count, sum): (Int64, Int64) = (0, 0)
        for (bucket, weight) in buckets {
            count = count.addingSaturated(weight)
            let (product, overflow) = DurationBuckets.value(of: bucket).multipliedReportingOverflow(
                by: weight
            )
            sum = sum.addingSaturated(overflow ? .max : product)
        }
        guard count > 0 else { return 0 }
        document.key(#""duration":{"histogram":{"values":["#)
        for (bucket, _) in buckets {
            document.separate()
            document.append(decimal: DurationBuckets.value(of: bucket))
        }
        document.append(#"],"counts":["# as StaticString)
        for (_, weight) in buckets {
            document.separate()
            document.append(decimal: weight)
        }
        document.append(#"]},"summary":{"value_count":"# as StaticString)
        document.append(decimal: count)
        document.append(#","sum":"# as StaticString)
        document.append(decimal: sum)
        document.append("}}" as StaticString)
        return count
    }

    private func appendDestination(to document: inout ByteBuffer) {
        let span = document.openObject(#""span":"#)
        append(Int(group.top)..<Int(group.inner), to: &document)
        document.key(#""destination":{"service":{"#)
        append(Int(group.inner)..<Int(group.keyCount), to: &document)
        document.key(#""response_time":{"count":"#)
        document.append(decimal: group.first.whole)
        document.append(#","sum":{"us":"# as StaticString)
        document.append(decimal: group.second.whole)
        document.append("}}}}" as StaticString)
        document.closeObject(span)
        appendCount(group.first.whole, to: &document)
    }

    /// Elasticsearch's own field: how many events the document counts for; it must not be 0.
    private func appendCount(_ count: Int64, to document: inout ByteBuffer) {
        guard count > 0 else { return }
        document.key(#""_doc_count":"#)
        document.append(decimal: count)
    }

    private func appendLost(to document: inout ByteBuffer) {
        document.key(#""aggregation":{"overflow_count":"#)
        document.append(decimal: table.sketches[group.sketch].estimate)
        document.append(UInt8(ascii: "}"))
    }

    /// Appends members of the key, if there are any in `range`.
    private func append(_ range: Range<Int>, to document: inout ByteBuffer) {
        guard !range.isEmpty else { return }
        let start = Int(group.keyStart)
        document.separate()
        table.keys.withSpan { document.append($0, start + range.lowerBound..<start + range.upperBound) }
    }
}

extension Int64 {
    /// Thousandths as a whole number, rounded.
    fileprivate var whole: Int64 { self / 1000 + (self % 1000 >= 500 ? 1 : 0) }
}

/// Ids of roll-up documents: the same group of the same flush has the same id whenever it is written.
///
/// So a flush that is sent once more, after a crash or a refusal, stores nothing twice.
private enum RollUpID {
    private static let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8
    )

    /// - Returns: 20 letters of base64url; the first is none that an id may not begin with.
    static func make(_ source: RollUpDocuments.Source) -> [UInt8] {
        let group = source.group
        let tweak = UInt64(group.kind.rawValue) << 8 | UInt64(source.interval.rawValue)
        // The time goes into the key, because the key's bytes are where they are.
        let key = SipHash.Value(
            low: source.flush.low ^ UInt64(bitPattern: group.time),
            high: source.flush.high
        )
        let hash = source.table.keys.withSpan { SipHash(key: key).hash($0, group.key, tweak: tweak) }
        var text = [UInt8](repeating: 0, count: 20)
        for digit in 0..<10 {
            text[digit] = alphabet[Int(hash.low >> (UInt64(digit) * 6) & (digit == 0 ? 31 : 63))]
            text[digit + 10] = alphabet[Int(hash.high >> (UInt64(digit) * 6) & 63)]
        }
        return text
    }
}
