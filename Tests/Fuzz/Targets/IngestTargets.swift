@testable import Common
@testable import Ingest

private let moment = CalendarTime(year: 2026, month: 11, day: 22, hour: 11)

/// A pipeline of a format, or nil when the log_format is none.
private func pipeline(_ format: FormatName, logFormat: String? = nil) -> Pipeline? {
    var configuration = PipelineConfiguration(format)
    if let logFormat { configuration.logFormat = logFormat }
    guard let names = try? configuration.fieldNames(), let table = try? FieldTable(names: names) else {
        return nil
    }
    return try? Pipeline(
        configuration,
        table: table,
        counters: PipelineCounters(Metrics(), pipeline: "fuzz"),
        enrichment: nil,
        seed: SipHash.Value(low: 1, high: 2)
    )
}

/// What a pipeline makes of an event has to be one JSON object on one line.
private func run(_ pipeline: Pipeline, _ payload: [UInt8]) {
    var output = ByteBuffer()
    let bytes = payload.span.bytes
    pipeline.read(bytes, receivedAt: moment)
    pipeline.withNames { index, id in _ = (index.byteCount, id.byteCount) }
    pipeline.write(bytes, into: &output)
    output.withSpan { document in
        var reader = JSONReader()
        do { _ = try reader.value(document) } catch { fatalError("a document that is no JSON: \(error)") }
        guard document.firstIndex(of: 10, in: 0..<document.byteCount) == nil else { fatalError("a line end") }
    }
}

/// An event in which `line` is the message.
private func event(_ line: [UInt8]) -> [UInt8] {
    var payload = ByteBuffer()
    payload.append(#"{"@timestamp":"2026-11-22T10:30:00.000Z","message":"# as StaticString)
    payload.append(jsonString: text(line))
    payload.append(
        #","log":{"offset":7,"file":{"path":"/var/log/x"}},"event":{"timezone":"+00:00"}}"# as StaticString
    )
    return payload.array
}

nonisolated(unsafe) private let ready: [Pipeline] = FormatName.allCases.compactMap { pipeline($0) }

/// The first byte picks a ready pipeline: the rest is a line, or an event as a sender may write it.
func fuzzEvent(_ bytes: [UInt8]) {
    guard let first = bytes.first else { return }
    let pipeline = ready[Int(first >> 1) % ready.count]
    let rest = Array(bytes.dropFirst())
    run(pipeline, first & 1 == 0 ? event(rest) : rest)
}

/// The first line is a log_format, the rest a line.
func fuzzLogFormat(_ bytes: [UInt8]) {
    let parts = lines(bytes, most: 2)
    guard let pipeline = pipeline(.nginxAccess, logFormat: text(parts[0])) else { return }
    run(pipeline, event(parts.last ?? []))
}

/// The first line is a pattern of grok, the rest a text.
func fuzzGrok(_ bytes: [UInt8]) {
    let parts = lines(bytes, most: 2)
    guard parts[0].count < 512, let expanded = try? GrokPatterns(isECS: true).expanded(text(parts[0])),
        expanded.utf8.count < 16_384
    else { return }
    _ = try? RegularExpression(expanded)
}

/// The first line is a pattern of a date, the second a date.
func fuzzDatePattern(_ bytes: [UInt8]) {
    let parts = lines(bytes, most: 2)
    guard let format = try? DateFormat(text(parts[0])), let date = parts.last else { return }
    _ = format.parts(date.span.bytes, 0..<date.count, year: 2026, TimeZoneCache())
    _ = format.moment(date.span.bytes, 0..<date.count)
}

/// A condition.
func fuzzCondition(_ bytes: [UInt8]) {
    guard bytes.count < 512, let condition = try? Condition(text(bytes)) else { return }
    let record = Record()
    let json = Array(#"{"a":{"b":"x"},"n":1.5,"t":["u","v"],"e":null}"#.utf8)
    guard (try? record.load(json.span.bytes)) != nil else { fatalError("the record is no JSON") }
    _ = condition.holds(for: record, ConditionScratch([condition]))
}
