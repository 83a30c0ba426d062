import Common

/// The filters behind a pipeline's format: turns the document of an event into those that are stored.
///
/// Index and id follow from the document behind the filters, and still from the event alone: a repeat ends where the
/// first one did.
final class DocumentFilters {
    private static let timestamp = FieldPath("@timestamp")
    private static let requestedID = FieldPath("@metadata._id")
    private static let original = FieldPath("event.original")
    private static let dateOutOfRange = "_dateoutofrange"
    private static let tooLarge = "_eventtoolarge"
    /// Of an event that is too large for filters, what is stored.
    private static let maxKeptBytes = 64 << 10
    private static let keptBytes = 256 << 10

    let chain: FilterChain
    private let record = Record()
    private var document = ByteBuffer()
    private var index: IndexName
    private let indexFields: [FieldPath]
    private var id = ByteBuffer(capacity: 64)

    /// - Parameter cap: bounds distinct names of indices over all workers.
    init(_ chain: FilterChain, target: IndexTarget, cap: IndexCap) {
        self.chain = chain
        index = IndexName(target, cap: cap)
        indexFields = target.fields
    }

    /// Calls `body` with each document of the event that the pipeline has read.
    fileprivate func forEach(
        _ pipeline: Pipeline,
        _ payload: RawSpan,
        _ body: (_ index: RawSpan, _ id: RawSpan, _ write: (inout ByteBuffer) -> Void) -> Void
    ) {
        document.removeAll()
        document.shrink(to: Self.keptBytes)
        pipeline.write(payload, into: &document)
        do throws(JSONError) {
            try document.withSpan { document throws(JSONError) in try record.load(document) }
        } catch {
            keep(payload, of: pipeline)
            emit(record, 0, pipeline, stamp: nil, body)
            return
        }
        let stamp = FieldText.time(of: record)
        chain.run(record) { document, number in emit(document, number, pipeline, stamp: stamp, body) }
    }

    /// - Parameter stamp: the event's time in front of the filters.
    private func emit(
        _ document: Record,
        _ number: Int,
        _ pipeline: Pipeline,
        stamp: CalendarTime?,
        _ body: (RawSpan, RawSpan, (inout ByteBuffer) -> Void) -> Void
    ) {
        let time = time(of: document, pipeline, stamp)
        if time != stamp { pipeline.restamp(time) }
        selectIndex(of: document, time, pipeline)
        id.removeAll()
        appendID(document, number, pipeline)
        index.withName { index in
            id.withSpan { id in body(index, id) { document.write(into: &$0) } }
        }
    }

    /// Names the index by the document's fields; beyond the cap the document is tagged.
    private func selectIndex(of document: Record, _ time: CalendarTime, _ pipeline: Pipeline) {
        let isAdmitted = index.select(time) { field, text in
            guard let node = document.find(indexFields[field]) else { return }
            let kind = document.kind(of: node)
            if kind != .list, kind != .object { document.appendText(of: node, to: &text) }
        }
        guard !isAdmitted else { return }
        pipeline.countIndexCap()
        do throws(FilterFailure) { try document.tag(Pipeline.indexCapTag) } catch {
            Log.limited(
                .warning,
                key: "index-cap",
                "an event has no room for a tag",
                ["error": error.reason ?? ""]
            )
        }
    }

    /// The time of the document, which names its index: within the pipeline's bounds, or else that of reading.
    private func time(of document: Record, _ pipeline: Pipeline, _ stamp: CalendarTime?) -> CalendarTime {
        let found = FieldText.time(of: document)
        if let found, found == stamp || pipeline.isPlausible(found, pipeline.readTime) { return found }
        let time = stamp ?? pipeline.readTime
        do throws(FilterFailure) {
            if let path = Self.timestamp {
                document.remove(path)
                try document.set(path, time: time)
            }
            if let found {
                let reason = "\(found.iso8601) is too far from the time of reading"
                try document.note(FilterFailure(.date, reason), tags: [Self.dateOutOfRange])
            }
        } catch {
            Log.limited(
                .warning,
                key: "stamp",
                "an event has no room for its time",
                ["error": error.reason ?? ""]
            )
        }
        return time
    }

    private func appendID(_ document: Record, _ number: Int, _ pipeline: Pipeline) {
        if let path = Self.requestedID, let node = document.find(path) {
            document.appendText(of: node, to: &id)
            let isUsable = (1...DocumentID.maxBytes).contains(id.count) && id[0] != UInt8(ascii: "_")
            if !isUsable { id.removeAll() }
        }
        if id.isEmpty { pipeline.withNames { _, own in id.append(own) } }
        guard number > 0 else { return }
        // Parts of one event differ by their number, which a repeat gives them again.
        id.truncate(to: min(id.count, DocumentID.maxBytes - 8))
        id.append(UInt8(ascii: "-"))
        id.append(decimal: Int64(number))
    }

    /// Keeps the beginning of an event that has too many fields for filters.
    private func keep(_ payload: RawSpan, of pipeline: Pipeline) {
        record.reset()
        do throws(FilterFailure) {
            if let path = Self.timestamp { try record.set(path, time: pipeline.readTime) }
            if let path = Self.original {
                try record.set(path, text: payload, 0..<min(payload.byteCount, Self.maxKeptBytes))
            }
            let reason = "more than \(Record.maxValues) fields, or nested too deeply: no filter was applied"
            try record.note(FilterFailure(.json, reason), tags: [Self.tooLarge])
        } catch {
            fatalError("an empty record takes no field: \(error)")
        }
    }
}

extension Pipeline {
    /// Calls `body` with each document that an event becomes: one, unless filters drop or split it.
    ///
    /// - Parameters:
    ///   - payload: the JSON of a frame.
    ///   - receivedAt: stands in for the read time of events that do not carry one.
    ///   - body: `write` appends the document, one line of JSON without a line end.
    func forEachDocument(
        of payload: RawSpan,
        receivedAt: CalendarTime,
        _ body: (_ index: RawSpan, _ id: RawSpan, _ write: (inout ByteBuffer) -> Void) -> Void
    ) {
        read(payload, receivedAt: receivedAt)
        guard let filters else {
            withNames { index, id in body(index, id) { write(payload, into: &$0) } }
            return
        }
        filters.forEach(self, payload, body)
    }
}

/// What the filters of all workers' pipelines of one name are made from.
struct PipelineFiltersPlan: Sendable {
    private let name: String
    private let target: IndexTarget
    private let cap: IndexCap
    private let program: FilterProgram
    private let counters: [FilterCounters]

    /// - Returns: nil for a pipeline without filters.
    init?(
        _ configuration: PipelineConfiguration,
        cap: IndexCap,
        metrics: Metrics,
        samples: RejectSamples
    ) {
        guard !configuration.filters.isEmpty else { return nil }
        name = configuration.name
        target = configuration.indexTarget
        self.cap = cap
        let program = FilterProgram(configuration.filters)
        self.program = program
        counters = program.steps.map {
            FilterCounters(
                metrics,
                pipeline: configuration.name,
                filter: $0.name,
                id: $0.id,
                samples: samples
            )
        }
    }

    /// The values of the labels of each filter's metrics.
    var labels: [[String]] {
        program.steps.map { FilterCounters.labels(pipeline: name, filter: $0.name, id: $0.id).map(\.1) }
    }

    /// The filters of one worker.
    func filters(enrichment: Enrichment?) throws -> DocumentFilters {
        let workplace = FilterWorkplace(enrichment: enrichment, pipeline: name)
        return DocumentFilters(
            try FilterChain(program, counters: counters, workplace: workplace),
            target: target,
            cap: cap
        )
    }
}
