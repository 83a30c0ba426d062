import Common

/// Cuts a line of nginx's access log by its `log_format` and adds the fields of ECS.
///
///     - nginx_log_format:
///         field: message
///         log_format: '$remote_addr [$time_local] "$request" $status $request_time'
///         escape: default
///         trusted_proxies: [10.0.0.0/8]
///
/// The fields are those of the ready pipeline, without look-ups of places and agents, for which there are filters.
struct NginxLogFormatPlan: FilterPlan {
    fileprivate let field: FieldPath
    /// Empty after a complaint.
    fileprivate let formats: [NginxLogFormat]
    fileprivate let trustedProxies: [IPNetwork]

    init(_ reader: ConfigurationReader) {
        field = reader.path("field", default: "message")
        let text = reader.string("log_format", default: "combined")
        let escape = reader.choice("escape", default: NginxLogFormat.Escape.default)
        let proxies = reader.strings("trusted_proxies", default: PipelineConfiguration().trustedProxies)
        trustedProxies = proxies.compactMap { text in
            if let network = IPNetwork(text) { return network }
            reader.problem(
                "trusted_proxies",
                "\(text) is no address or network; write 10.0.0.0/8 or 192.0.2.1"
            )
            return nil
        }
        do throws(NginxFormatError) {
            formats = try Self.formats(text, escape)
        } catch {
            formats = []
            reader.problem("log_format", "\(error)")
        }
    }

    func filter(_ workplace: FilterWorkplace) throws -> any Filter { try NginxLogFormatFilter(plan: self) }

    /// Lines of `combined` may be of `main` too, as in the ready pipeline.
    private static func formats(_ text: String, _ escape: NginxLogFormat.Escape) throws(NginxFormatError)
        -> [NginxLogFormat]
    {
        switch text {
        case "combined":
            [
                try NginxLogFormat(NginxLogFormat.combined, escape: escape),
                try NginxLogFormat(NginxLogFormat.main, escape: escape),
            ]
        case "main": [try NginxLogFormat(NginxLogFormat.main, escape: escape)]
        default: [try NginxLogFormat(text, escape: escape)]
        }
    }
}

private final class NginxLogFormatFilter: Filter {
    private struct Parser {
        var line: NginxLine
        var filter: NginxAccessFilter
    }

    private static let timestamp = FieldPath("@timestamp")
    /// Memory that one huge line may leave behind.
    private static let keptBytes = 256 << 10

    private let field: FieldPath
    private var event: Event
    private var parsers: [Parser] = []
    private let fields = Record()
    private var line = ByteBuffer()
    private var values = ByteBuffer()
    private var json = ByteBuffer()

    init(plan: NginxLogFormatPlan) throws {
        field = plan.field
        let names = plan.formats.flatMap(\.otherFields)
        event = Event(table: try FieldTable(names: names))
        for format in plan.formats {
            let filter = NginxAccessFilter(format: format, trustedProxies: plan.trustedProxies, event: &event)
            parsers.append(Parser(line: NginxLine(format: format), filter: filter))
        }
    }

    func apply(to record: Record) throws(FilterFailure) -> FilterOutcome {
        guard let node = record.find(field), record.copyText(of: node, into: &line) else {
            throw FilterFailure(.nginx, "\(field.text) is no text")
        }
        shrink()
        let result = try line.withSpan { line throws(FilterFailure) in try parse(line) }
        do throws(JSONError) {
            try json.withSpan { json throws(JSONError) in try fields.load(json) }
        } catch {
            throw FilterFailure(.nginx, "the fields of \(field.text) cannot be read: \(error)")
        }
        try record.merge(fields)
        if let time = result.time, let path = Self.timestamp { try record.set(path, time: time) }
        if result.time == nil, let bad = result.badTime {
            throw FilterFailure(.date, "no time: \(bad)")
        }
        return .next
    }

    private func parse(_ line: RawSpan) throws(FilterFailure) -> (time: CalendarTime?, badTime: String?) {
        var first: NginxScanner.Failure?
        for number in parsers.indices {
            do throws(NginxScanner.Failure) {
                if try parsers[number].line.cut(line, copy: &values) {
                    return values.withSpan { take(number, $0) }
                }
                return take(number, line)
            } catch {
                first = first ?? error
            }
        }
        let offset = first?.offset ?? 0
        let format = parsers.first?.line.format
        let step = first?.step.flatMap { format?.names[$0] }.map { ", at $\($0)" } ?? ""
        throw FilterFailure(.nginx, "log_format does not match at byte \(offset) of the line\(step)")
    }

    /// Writes the fields of a line that was cut to `json`.
    private func take(_ number: Int, _ text: RawSpan) -> (time: CalendarTime?, badTime: String?) {
        event.reset()
        let result = parsers[number].filter.apply(parsers[number].line.values, of: text, to: &event)
        json.removeAll()
        DocumentWriter.write(event, payload: text.extracting(0..<0), line: text, into: &json)
        return (result.time, result.badTime.map { text.text($0.prefix(64)) })
    }

    private func shrink() {
        event.shrink(to: Self.keptBytes)
        values.removeAll()
        values.shrink(to: Self.keptBytes)
        json.removeAll()
        json.shrink(to: Self.keptBytes)
    }
}
