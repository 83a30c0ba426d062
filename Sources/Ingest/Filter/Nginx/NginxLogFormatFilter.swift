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
    /// Nil after a complaint.
    fileprivate let format: CompiledFormat?
    fileprivate let trustedProxies: [IPNetwork]

    init(_ reader: ConfigurationReader) {
        field = reader.path("field", default: "message")
        let text = reader.string("log_format", default: "combined")
        let escape = reader.choice("escape", default: NginxLogFormat.Escape.default)
        let proxies = reader.strings("trusted_proxies", default: PipelineConfiguration().trustedProxies)
        trustedProxies = reader.networks(proxies, of: "trusted_proxies")
        do throws(LogFormatError) {
            format = try CompiledFormat(.nginxAccess, logFormat: text, escape: escape)
        } catch {
            format = nil
            reader.problem("log_format", "\(error)")
        }
    }

    func filter(_ workplace: FilterWorkplace) throws -> any Filter {
        guard let format else { fatalError("nginx_log_format: its configuration was refused") }
        return try NginxLogFormatFilter(field, format, trustedProxies)
    }
}

private final class NginxLogFormatFilter: Filter {
    private static let timestamp = FieldPath("@timestamp")
    /// Memory that one huge line may leave behind.
    private static let keptBytes = 256 << 10

    private let field: FieldPath
    private var event: Event
    private let format: any LineFormat
    private let fields = Record()
    private var line = ByteBuffer()
    private var values = ByteBuffer()
    private var json = ByteBuffer()

    init(_ field: FieldPath, _ format: CompiledFormat, _ trustedProxies: [IPNetwork]) throws {
        self.field = field
        event = Event(table: try FieldTable(names: format.fieldNames))
        self.format = format.lineFormat(trustedProxies: trustedProxies, event: &event)
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

    /// Writes the fields of a line to `json`.
    private func parse(_ line: RawSpan) throws(FilterFailure) -> (time: CalendarTime?, badTime: String?) {
        event.reset()
        let nothing = line.extracting(0..<0)
        do throws(LineFailure) {
            let context = LineContext(readTime: Clock.now)
            let facts = try format.read(line, of: nothing, context, copy: &values, into: &event)
            return facts.isCopied ? values.withSpan { write(facts, $0) } : write(facts, line)
        } catch {
            throw FilterFailure(.nginx, error.reason)
        }
    }

    private func write(_ facts: LineFacts, _ text: RawSpan) -> (time: CalendarTime?, badTime: String?) {
        DocumentWriter.write(event, payload: text.extracting(0..<0), line: text, into: &json)
        return (facts.time, facts.badTime.map { text.text($0.prefix(64)) })
    }

    private func shrink() {
        event.shrink(to: Self.keptBytes)
        values.removeAll()
        values.shrink(to: Self.keptBytes)
        json.removeAll()
        json.shrink(to: Self.keptBytes)
    }
}
