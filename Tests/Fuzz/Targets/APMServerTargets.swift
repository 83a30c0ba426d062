@testable import APMServer
@testable import Common

private let received = CalendarTime(year: 2026, month: 11, day: 22, hour: 10)
private let noDatabases = ClientDatabases(EnrichmentConfiguration(geoipDatabase: "", userAgentRegexes: ""))

/// The first byte says whether a browser sends; the rest are the lines of a request.
func fuzzIntake(_ bytes: [UInt8]) {
    guard let first = bytes.first else { return }
    let request = RequestContext(received: received, isRUM: first & 1 == 1, clientIP: "10.0.0.1")
    let settings = MappingSettings()
    let mapper = EventMapper(settings, StoreTraits(), noDatabases)
    let output = IntakeOutput(
        batch: BulkBatch(),
        rollUps: RollUpTables(),
        ids: DocumentIDs(start: 1, instance: 2),
        indexNames: IndexNames(isClassic: false, version: "")
    )
    var metadata: RequestMetadata?
    var decoder = EventDecoder()
    var fields = EventFields()
    for line in lines(Array(bytes.dropFirst()), most: 64) {
        let span = line.span.bytes
        do throws(IntakeError) {
            guard let metadata else {
                try decoder.metadata(span, into: &fields)
                metadata = RequestMetadata(
                    fields,
                    line: span,
                    request: request,
                    gate: nil,
                    settings: settings,
                    clients: mapper.clients
                )
                continue
            }
            let kind = try decoder.event(span, into: &fields)
            _ = try mapper.map(kind, fields, span, metadata, output)
        } catch {
            if metadata == nil { return }
        }
    }
    let batch = output.batch
    batch.bytes.withSpan { documents in
        for number in 0..<batch.documentCount {
            var reader = JSONReader()
            let source = documents.extracting(batch.sourceRange(number))
            do { _ = try reader.value(source) } catch { fatalError("a document that is no JSON: \(error)") }
        }
    }
}

/// The first byte picks signal and encoding of an OTLP request.
func fuzzOTLP(_ bytes: [UInt8]) {
    guard let first = bytes.first else { return }
    let signals: [OTLPSignal] = [.traces, .metrics, .logs]
    let body = Array(bytes.dropFirst())
    _ = try? OTLPTranslator().translate(
        signals[Int(first >> 1) % 3],
        first & 1 == 0 ? .protobuf : .json,
        body.span.bytes
    ) { _, _ in }
}

/// A segment of the spool as the disk gives it back.
func fuzzSpool(_ bytes: [UInt8]) {
    let scan = bytes.withUnsafeBytes { SpoolScan($0) }
    guard scan.end <= bytes.count else { fatalError("the end lies behind the file's") }
}
