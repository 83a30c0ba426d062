import Common

/// What each filter did to an event, for `ingest parse --explain`.
///
///     203.0.113.9 - - [22/Nov/2026:10:13:40 +0000] "GET / HTTP/1.1" 200 5 "-" "curl/8"
///       format        changed      14.1 µs  pipeline shop
///       set-1         changed       0.9 µs  + labels.site: "shop"
///       drop-1        skipped               its condition is false
final class Explanation {
    /// Longer values are cut.
    private static let maxValue = 200

    private let pipeline: Pipeline
    private let name: String
    private var before: [String: String] = [:]
    private var isFirst = true
    private var began: Int64 = 0
    /// What is to be printed in front of the event's documents.
    private(set) var text = ""

    init(_ pipeline: Pipeline, name: String) {
        self.pipeline = pipeline
        self.name = name
        pipeline.filters?.chain.observer = { [unowned self] trace, record in note(trace, record) }
        pipeline.filters?.chain.onStart = { [unowned self] record in start(record) }
    }

    /// Begins with another line.
    func begin(_ line: String) {
        text = line.prefix(Self.maxValue) + (line.count > Self.maxValue ? "…\n" : "\n")
        isFirst = true
        began = Clock.monotonic
    }

    /// Notes the format where no filter has: it is the whole pipeline then.
    func end() { if isFirst { noteFormat() } }

    private func start(_ record: Record) {
        noteFormat()
        before = Self.fields(record)
    }

    private func noteFormat() {
        isFirst = false
        row("format", "done", Clock.monotonic - began, "pipeline \(name)")
    }

    private func note(_ trace: FilterChain.Trace, _ record: Record) {
        switch trace.result {
        case .skipped: row(trace.id, "skipped", nil, "its condition is false")
        case .dropped: row(trace.id, "dropped", trace.nanoseconds, "no document is stored")
        case .split(let count): row(trace.id, "split", trace.nanoseconds, "into \(count)")
        case .failed(let failure):
            row(trace.id, "failed", trace.nanoseconds, failure.reason ?? failure.tag.rawValue)
            noteChanges(record)
        case .changed:
            row(trace.id, "done", trace.nanoseconds, "")
            noteChanges(record)
        }
    }

    private func row(_ id: String, _ result: String, _ nanoseconds: Int64?, _ note: String) {
        let time = nanoseconds.map { "\(Double($0 / 100) / 10) µs" } ?? ""
        let columns = [Self.padded(id, 20), Self.padded(result, 8), Self.padded(time, 10), note]
        var line = "  " + columns.joined(separator: " ")
        while line.last == " " { line.removeLast() }
        text += line + "\n"
    }

    private func noteChanges(_ record: Record) {
        let after = Self.fields(record)
        for (field, value) in after.sorted(by: { $0.key < $1.key }) where before[field] != value {
            text += "      \(before[field] == nil ? "+" : "~") \(field): \(value.prefix(Self.maxValue))\n"
        }
        for field in before.keys.sorted() where after[field] == nil { text += "      - \(field)\n" }
        before = after
    }

    /// Every scalar and list with its path.
    private static func fields(_ record: Record) -> [String: String] {
        var fields: [String: String] = [:]
        collect(record, Record.root, prefix: "", into: &fields)
        return fields
    }

    private static func collect(
        _ record: Record,
        _ node: Record.Node,
        prefix: String,
        into fields: inout [String: String]
    ) {
        for child in record.children(of: node) {
            let path = prefix.isEmpty ? record.key(of: child) : prefix + "." + record.key(of: child)
            if record.kind(of: child) == .object {
                collect(record, child, prefix: path, into: &fields)
            } else {
                var json = ByteBuffer()
                record.appendJSON(of: child, to: &json)
                fields[path] = json.withSpan { $0.text(0..<$0.byteCount) }
            }
        }
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(width - text.count, 0))
    }
}
