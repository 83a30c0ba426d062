import Common

@testable import APMServer

/// What comes of an intake request: its lines through decoder and mapper.
struct DocumentRun {
    struct Document {
        let dataStream: String
        let tree: JSONTree
    }

    private(set) var documents: [Document] = []
    let rollUps = RollUpTables()
    private(set) var accepted = 0
    private(set) var errors: [IntakeError] = []
    let mapper: EventMapper

    /// 2026-11-22T10:24:10.460123Z.
    static let received = CalendarTime(
        year: 2026,
        month: 11,
        day: 22,
        hour: 10,
        minute: 24,
        second: 10,
        nanosecond: 460_123_456
    )

    static var backend: RequestContext { RequestContext(received: received, clientIP: "10.0.0.1") }
    static var browser: RequestContext {
        RequestContext(
            received: received,
            isRUM: true,
            clientIP: "10.0.0.2",
            clientPort: 4711,
            userAgent: "Go-http-client/1.1"
        )
    }

    /// Nothing is looked up.
    static let noDatabases = ClientDatabases(EnrichmentConfiguration(geoipDatabase: "", userAgentRegexes: ""))

    /// - Parameter body: the request's lines, metadata first.
    init(
        _ body: [UInt8],
        request: RequestContext = backend,
        settings: MappingSettings? = nil,
        gate: EventGate? = nil,
        store: StoreTraits = StoreTraits(),
        databases: ClientDatabases = noDatabases
    ) throws {
        var settings = settings ?? MappingSettings()
        settings.observerHostname = "observer.example.com"
        mapper = EventMapper(settings, store, databases)
        let output = IntakeOutput(
            batch: BulkBatch(),
            rollUps: rollUps,
            ids: DocumentIDs(start: 1, instance: 2),
            indexNames: IndexNames(isClassic: false, version: "")
        )
        var metadata: RequestMetadata?
        var decoder = EventDecoder()
        var fields = EventFields()
        for line in body.split(separator: UInt8(ascii: "\n")).map(Array.init) {
            let bytes = line.span.bytes
            do throws(IntakeError) {
                guard let metadata else {
                    try decoder.metadata(bytes, into: &fields)
                    metadata = RequestMetadata(
                        fields,
                        line: bytes,
                        request: request,
                        gate: gate,
                        settings: settings,
                        clients: mapper.clients
                    )
                    continue
                }
                let kind = try decoder.event(bytes, into: &fields)
                accepted += try mapper.map(kind, fields, bytes, metadata, output)
            } catch {
                errors.append(error)
                if metadata == nil { break }
            }
        }
        documents = try output.batch.trees()
    }

    init(
        _ lines: String...,
        request: RequestContext = backend,
        settings: MappingSettings? = nil,
        gate: EventGate? = nil,
        store: StoreTraits = StoreTraits(),
        databases: ClientDatabases = noDatabases
    ) throws {
        let body = Array(lines.joined(separator: "\n").utf8)
        try self.init(
            body,
            request: request,
            settings: settings,
            gate: gate,
            store: store,
            databases: databases
        )
    }
}

extension DocumentRun {
    /// The documents that the roll-ups of this request make when the service stops.
    func rollUpDocuments() throws -> [Document] {
        let limits = RollUpLimits(memoryBytes: 1 << 30)
        var state = RollUpState(limits: limits, hash: KeyedHash(), now: Self.received.seconds)
        if let table = rollUps.take() { state.merge(table) }
        state.closeAll()
        let writer = RollUpDocuments(mapper.settings, indexNames: IndexNames(isClassic: false, version: ""))
        let batch = BulkBatch()
        for flush in state.flushes { _ = flush.write(writer, from: .init(), to: batch, maxBytes: .max) }
        return try batch.trees()
    }
}

extension BulkBatch {
    func trees() throws -> [DocumentRun.Document] {
        try (0..<documentCount).map { number in
            func text(_ range: Range<Int>) -> [UInt8] { bytes.withUnsafeBytes { Array($0[range]) } }
            let action = try JSONTree(text(actionRange(number)))
            return DocumentRun.Document(
                dataStream: action["create._index"]?.text ?? "",
                tree: try JSONTree(text(sourceRange(number)))
            )
        }
    }
}
