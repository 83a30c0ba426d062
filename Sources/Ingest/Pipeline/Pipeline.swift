import Common

/// Turns the JSON of one Lumberjack frame into the document that is stored, and names its index and id.
///
/// Whatever comes in, a document comes out: what cannot be parsed keeps the line in `event.original`, and says in
/// `error.message` and `tags` why. Each worker has its own pipeline; nothing is allocated per event in the long run.
///
///     payload -> Event -> line -> LineFormat -> fields -> document
final class Pipeline {
    /// Why a line was not understood in full, as `tags` says it.
    private enum Tag: String {
        case json = "_jsonparsefailure"
        case date = "_dateparsefailure"
        case dateOutOfRange = "_dateoutofrange"
    }

    /// Memory that one huge event may leave behind in each buffer.
    private static let keptBytes = 256 << 10

    /// Of bytes that are no event, what is stored: escaping makes them six times as long at worst, and a bulk request
    /// must stay below Elasticsearch's 100 MB.
    private static let maxBrokenBytes = 8 << 20

    /// Which bytes the ranges of `Event.Source.line` point into.
    private enum LineSource {
        /// A range of the payload: the message had no escapes.
        case payload(Range<Int>)
        case unescaped
        /// What the format made of the message before it could point into it.
        case copy
    }

    private let configuration: PipelineConfiguration
    private let counters: PipelineCounters
    private let enrichment: Enrichment?
    private let format: any LineFormat
    /// What `tags` says of a line that has not this format.
    private let formatTag: String
    private let zone: TimeZoneRules
    private let weChat: WeChatFilter
    private let urlParameters: URLParameters?
    private let fingerprint: ClientFingerprint?
    private let kind: Range<Int>
    private let dataset: Range<Int>
    private let module: Range<Int>

    private var readTimes = RepeatedTime()
    /// When the shipper read the event.
    private(set) var readTime = CalendarTime(nanoseconds: 0)
    private let zones = TimeZoneCache()
    private var event: Event
    private var shape = EventShape()
    private var id: DocumentID
    private var index: IndexName
    private let indexFields: [EventFieldReader]
    private var unescaped = ByteBuffer(capacity: 4096)
    private var copy = ByteBuffer(capacity: 4096)
    private var lineSource = LineSource.unescaped
    /// A copy of a payload that had to be changed to be taken, and whether that is so.
    private var repaired = ByteBuffer()
    private var isRepaired = false
    /// Why the event being read gets a tag; the last of several.
    private var failure: (reason: String, message: String)?

    /// - Parameters:
    ///   - table: made with the `fieldNames` of all pipelines.
    ///   - indexCap: bounds distinct names of indices over all workers; nil for one of its own.
    ///   - enrichment: look-ups of this worker.
    ///   - seed: start of the ids of events that do not say where they come from.
    init(
        _ configuration: PipelineConfiguration,
        table: FieldTable,
        counters: PipelineCounters,
        indexCap: IndexCap? = nil,
        enrichment: Enrichment?,
        seed: SipHash.Value
    ) throws(LogFormatError) {
        self.configuration = configuration
        self.counters = counters
        self.enrichment = enrichment
        event = Event(table: table)
        kind = event.addConstant(#""event""#)
        dataset = event.addConstant("\"\(configuration.format.dataset)\"")
        module = event.addConstant("\"\(configuration.format.module)\"")
        formatTag = "_\(configuration.format.module)parsefailure"
        zone = configuration.timezone
        urlParameters =
            configuration.urlParameters.isEmpty
            ? nil : URLParameters(configuration.urlParameters, table: table)
        fingerprint = configuration.clientFingerprintKey.map { ClientFingerprint(secret: $0) }
        weChat = WeChatFilter(event: &event)
        id = DocumentID(seed: seed)
        let target = configuration.indexTarget
        index = IndexName(target, cap: indexCap ?? IndexCap(limit: configuration.maxIndices))
        indexFields = target.fields.map { EventFieldReader($0, in: table) }
        format = try configuration.compiled().lineFormat(
            trustedProxies: configuration.trustedProxies.compactMap { IPNetwork($0) },
            event: &event
        )
    }

    /// The filters that the configuration adds behind the format; nil for none.
    var filters: DocumentFilters?

    /// Makes the id of the event that was read anew, for a time that a filter found in it.
    func restamp(_ time: CalendarTime) { id.restamp(time) }

    /// Lets go of databases that have been replaced.
    func refreshDatabases() { enrichment?.refresh() }

    /// Reads one event; `withNames` and `write` then answer for it, until the next call.
    ///
    /// - Parameters:
    ///   - payload: the JSON of a frame; it must be the same bytes in `write`.
    ///   - receivedAt: stands in for the read time of events that do not carry one.
    func read(_ payload: RawSpan, receivedAt: CalendarTime) {
        counters.lines.add()
        shrink()
        event.reset()
        lineSource = .payload(0..<0)
        isRepaired = false
        if shape.decode(payload, into: &event) {
            take(payload, receivedAt)
            return
        }
        do throws(EventDecoder.Failure) {
            guard try EventDecoder.decode(payload, into: &event) else {
                shape.learn(payload, event)
                take(payload, receivedAt)
                return
            }
            isRepaired = true
            repaired.append(repairingSurrogates: payload)
            event.reset()
            try repaired.withSpan { payload throws(EventDecoder.Failure) in
                _ = try EventDecoder.decode(payload, into: &event)
                take(payload, receivedAt)
            }
        } catch {
            isRepaired = false
            keepBroken(payload, "\(error)", receivedAt)
        }
    }

    /// Turns an event that was decoded from `payload` into a document.
    private func take(_ payload: RawSpan, _ receivedAt: CalendarTime) {
        let readTime = takeReadTime(payload) ?? receivedAt
        guard let message = takeMessage() else {
            if format.needsMessage {
                counters.noMessage.add()
                fail(formatTag, "the event has no message", as: "no_message", payload)
            }
            finish(nil, readTime, payload, line: payload.extracting(0..<0))
            return
        }
        guard message.hasEscapes else {
            lineSource = .payload(message.range)
            parse(payload.extracting(message.range), payload, readTime)
            return
        }
        unescaped.removeAll()
        unescaped.append(unescaped: message, of: payload)
        lineSource = .unescaped
        unescaped.withSpan { parse($0, payload, readTime) }
    }

    /// Calls `body` with the index and the id of the event that was read.
    func withNames<R, E: Error>(_ body: (_ index: RawSpan, _ id: RawSpan) throws(E) -> R) throws(E) -> R {
        try index.withName { index throws(E) in
            try id.text.withSpan { id throws(E) in try body(index, id) }
        }
    }

    /// Appends the document of the event that was read: one line of JSON without a line end.
    func write(_ payload: RawSpan, into output: inout ByteBuffer) {
        guard isRepaired else {
            writeDocument(payload, into: &output)
            return
        }
        repaired.withSpan { writeDocument($0, into: &output) }
    }

    private func writeDocument(_ payload: RawSpan, into output: inout ByteBuffer) {
        switch lineSource {
        case .payload(let range):
            DocumentWriter.write(event, payload: payload, line: payload.extracting(range), into: &output)
        case .unescaped:
            unescaped.withSpan { DocumentWriter.write(event, payload: payload, line: $0, into: &output) }
        case .copy:
            copy.withSpan { DocumentWriter.write(event, payload: payload, line: $0, into: &output) }
        }
    }

    // MARK: - Steps

    /// Moves `@timestamp`, the time of reading, to `event.created`.
    private func takeReadTime(_ payload: RawSpan) -> CalendarTime? {
        guard let slot = event.slot(.timestamp), slot.range.count > 2 else { return nil }
        let text = slot.start + 1..<slot.end - 1
        guard let time = readTimes.time(payload, text) else { return nil }
        event.set(.eventCreated, json: slot.range, in: .payload)
        return time
    }

    /// Moves `message` to `event.original`, as it is written in the payload, and says what kind of event it is.
    private func takeMessage() -> JSONReader.Text? {
        if !event.has(.eventDataset) { event.set(.eventDataset, json: dataset, in: .arena) }
        if !event.has(.eventModule) { event.set(.eventModule, json: module, in: .arena) }
        event.set(.eventKind, json: kind, in: .arena)
        guard let slot = event.slot(.message) else { return nil }
        event.set(.eventOriginal, json: slot.range, in: .payload)
        event.remove(.message)
        // A number or an object is its own text.
        return event.message ?? JSONReader.Text(range: slot.range, hasEscapes: false)
    }

    private func parse(_ line: RawSpan, _ payload: RawSpan, _ readTime: CalendarTime) {
        var context = LineContext(readTime: readTime)
        if format.needsZone { context.zone = takeZone(payload) }
        do throws(LineFailure) {
            let facts = try format.read(line, of: payload, context, copy: &copy, into: &event)
            guard facts.isCopied else {
                apply(facts, line, payload, readTime, line: line)
                return
            }
            lineSource = .copy
            copy.withSpan { apply(facts, $0, payload, readTime, line: line) }
        } catch {
            keepUnparsed(line, error, payload, readTime)
        }
    }

    /// The zone of times that name none: the one the sender is in, else the pipeline's.
    private func takeZone(_ payload: RawSpan) -> TimeZoneRules {
        guard let slot = event.slot(.eventTimezone), slot.kind == .json, slot.source == .payload,
            slot.range.count > 2, payload[slot.start] == UInt8(ascii: "\"")
        else { return zone }
        return zones.zone(payload, slot.start + 1..<slot.end - 1) ?? zone
    }

    /// Stores a line that is not what it should be, with the reason.
    private func keepUnparsed(
        _ line: RawSpan,
        _ failure: LineFailure,
        _ payload: RawSpan,
        _ readTime: CalendarTime
    ) {
        counters.unparsed.add()
        if failure.hasWritten { restore(payload) }
        if format.hasMessage { event.set(.message, text: 0..<line.byteCount, in: .line) }
        fail(failure.isJSON ? Tag.json.rawValue : formatTag, failure.reason, as: "format", payload)
        finish(nil, readTime, payload, line: line)
    }

    /// Makes the event again what `payload` says, without what a line has set.
    private func restore(_ payload: RawSpan) {
        event.reset()
        do throws(EventDecoder.Failure) {
            _ = try EventDecoder.decode(payload, into: &event)
        } catch {
            fatalError("an event that was decoded cannot be decoded again: \(error)")
        }
        _ = takeReadTime(payload)
        _ = takeMessage()
    }

    /// Adds what follows from the fields of a line.
    ///
    /// - Parameters:
    ///   - text: what the fields' values are ranges of.
    ///   - line: the message.
    private func apply(
        _ facts: LineFacts,
        _ text: RawSpan,
        _ payload: RawSpan,
        _ readTime: CalendarTime,
        line: RawSpan
    ) {
        if let agent = facts.userAgent {
            weChat.apply(userAgent: agent, referrer: facts.referrer, line: text, to: &event)
        }
        if let enrichment {
            if let agent = facts.userAgent { enrichment.setUserAgent(agent, of: text, in: &event) }
            if let client = facts.client { enrichment.setPlace(of: client, in: &event) }
        }
        if let query = facts.query { urlParameters?.apply(query, text, &event) }
        if let client = facts.client { fingerprint?.apply(client, userAgent: facts.userAgent, text, &event) }
        if facts.time == nil, let bad = facts.badTime {
            counters.badDates.add()
            fail(Tag.date.rawValue, "no time: \(text.text(bad.prefix(64)))", as: "date", payload)
        }
        finish(facts.time, readTime, payload, line: line)
    }

    /// Sets `@timestamp`, and names index and id.
    ///
    /// - Parameter time: as the line has it.
    private func finish(_ time: CalendarTime?, _ readTime: CalendarTime, _ payload: RawSpan, line: RawSpan) {
        self.readTime = readTime
        var eventTime = time ?? readTime
        if let time, !isPlausible(time, readTime) {
            counters.datesOutOfRange.add()
            let reason = "\(time.iso8601) is too far from the time of reading"
            fail(Tag.dateOutOfRange.rawValue, reason, as: "date_out_of_range", payload)
            eventTime = readTime
        }
        event.set(.timestamp, time: eventTime)
        if let failure {
            counters.samples.record(
                failure.reason,
                message: failure.message,
                line: line,
                now: Clock.monotonic
            )
            self.failure = nil
        }
        // Behind filters, the index follows from what they leave.
        if index.hasFields, filters == nil {
            selectIndex(eventTime, payload, line)
        } else {
            index.select(eventTime)
        }
        id.make(for: event, time: time, payload: payload, line: line)
    }

    /// Names the index by fields of the event.
    private func selectIndex(_ time: CalendarTime, _ payload: RawSpan, _ line: RawSpan) {
        let isAdmitted = index.select(time) { field, text in
            let reader = indexFields[field]
            guard case .copy = lineSource else {
                reader.append(from: event, payload: payload, line: line, to: &text)
                return
            }
            copy.withSpan { reader.append(from: event, payload: payload, line: $0, to: &text) }
        }
        guard !isAdmitted else { return }
        countIndexCap()
        event.append(Self.indexCapTag, to: .tags, payload: payload)
    }

    /// Tags events for which there are as many indices that day as there may be.
    static let indexCapTag = "_index_cap"

    /// Counts one of those.
    func countIndexCap() { counters.indexCapped.add() }

    /// Whether a time lies within the bounds around the time of reading.
    func isPlausible(_ time: CalendarTime, _ readTime: CalendarTime) -> Bool {
        let (age, overflow) = readTime.nanoseconds.subtractingReportingOverflow(time.nanoseconds)
        guard !overflow else { return false }
        let oldest = configuration.oldestEvent.nanoseconds
        let newest = configuration.newestEvent.nanoseconds
        return (oldest == 0 || age <= oldest) && (newest == 0 || age >= -newest)
    }

    /// - Parameter label: as the counters call it.
    private func fail(_ tag: String, _ reason: String, as label: String, _ payload: RawSpan) {
        event.append(tag, to: .tags, payload: payload)
        event.append(reason, to: .errorMessage, payload: payload)
        failure = (label, reason)
    }

    /// Stores bytes that are no event: nobody may lose a line because its sender is broken.
    private func keepBroken(_ payload: RawSpan, _ reason: String, _ receivedAt: CalendarTime) {
        counters.badJSON.add()
        event.reset()
        event.set(.eventKind, json: kind, in: .arena)
        let stored = min(payload.byteCount, Self.maxBrokenBytes)
        event.set(.eventOriginal, text: 0..<stored, in: .payload)
        fail(
            Tag.json.rawValue,
            stored < payload.byteCount ? "\(reason); cut to \(stored) bytes" : reason,
            as: "json",
            payload
        )
        finish(nil, receivedAt, payload, line: payload)
    }

    private func shrink() {
        unescaped.removeAll()
        unescaped.shrink(to: Self.keptBytes)
        copy.removeAll()
        copy.shrink(to: Self.keptBytes)
        repaired.removeAll()
        repaired.shrink(to: Self.keptBytes)
        event.shrink(to: Self.keptBytes)
    }
}
