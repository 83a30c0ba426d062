import Common

/// Turns OTLP export requests into lines of the intake protocol, so that both kinds of clients share all that follows.
///
/// Each resource becomes a metadata line, behind which come the lines of its spans, data points or log records. One per
/// worker: it keeps the memory that requests use in turn.
final class OTLPTranslator {
    /// What a line is, and what is lost when it is refused.
    enum Line: Equatable {
        /// The lines that follow, up to the next of these, belong to this metadata.
        case metadata
        /// - Parameter items: spans, data points or log records that count as rejected if the intake refuses the line;
        ///   0 for what is stored besides them (events of a span).
        case event(items: Int)
    }

    /// Is given each line in order, without a newline; the bytes are valid during the call.
    typealias Taker = (Line, RawSpan) -> Void

    /// What became of the items of a request: spans, data points, log records.
    struct Tally: Equatable {
        var items = 0
        /// Items that no line could be made of.
        var rejected = 0
        /// Why, of the first such item; empty if there is none.
        var reason = ""

        mutating func reject(_ reason: StaticString) {
            if rejected == 0 { self.reason = "\(reason)" }
            rejected += 1
        }
    }

    /// The line being written.
    var line = ByteBuffer(capacity: 16 << 10)
    /// A text being changed on its way into the line.
    var scratch = ByteBuffer(capacity: 256)
    var groups = OTLPPointGroups()
    var buckets = OTLPBuckets()
    private var resource = OTLPResource()
    /// A JSON body as the protobuf message that it stands for.
    private var message = ByteBuffer(capacity: 1024)

    private static let keptBytes = 1 << 20

    /// Translates a request.
    ///
    /// - Parameters:
    ///   - body: decompressed; its size is the caller's to limit. No line is much longer than the part of the body that
    ///     it was made of.
    /// - Throws: when the body is not an export request; no line was given then.
    func translate(
        _ signal: OTLPSignal,
        _ format: OTLPFormat,
        _ body: RawSpan,
        _ take: Taker
    ) throws(OTLPError) -> Tally {
        if format == .protobuf { return try translate(signal, body, take) }
        var json = OTLPJSONReader()
        message.removeAll()
        try json.transcode(signal.message, body, into: &message)
        defer { message.shrink(to: Self.keptBytes) }
        return try message.withSpan { (bytes) throws(OTLPError) in try translate(signal, bytes, take) }
    }

    private func translate(
        _ signal: OTLPSignal,
        _ bytes: RawSpan,
        _ take: Taker
    ) throws(OTLPError) -> Tally {
        let whole = 0..<bytes.byteCount
        try signal.message.check(bytes, whole)
        defer {
            line.shrink(to: Self.keptBytes)
            scratch.shrink(to: Self.keptBytes)
        }
        var tally = Tally()
        var parts = OTLPElements(1, of: whole)
        while let part = parts.next(bytes) {
            writeMetadata(of: part, bytes, take)
            var scopes = OTLPElements(2, of: part)
            while let range = scopes.next(bytes) {
                let scope = OTLPScope(bytes, range)
                switch signal {
                case .traces: traces(scope, bytes, &tally, take)
                case .metrics: metrics(scope, bytes, &tally, take)
                case .logs: logs(scope, bytes, &tally, take)
                }
            }
        }
        return tally
    }

    private func writeMetadata(of part: Range<Int>, _ bytes: RawSpan, _ take: Taker) {
        var resources = OTLPElements(1, of: part)
        var last: Range<Int> = 0..<0
        while let range = resources.next(bytes) { last = range }
        resource.write(last, bytes, into: &line)
        line.withSpan { take(.metadata, $0) }
    }

    /// Hands the line on that stands in `line`.
    func give(_ take: Taker, items: Int) {
        line.withSpan { take(.event(items: items), $0) }
    }
}

/// The instrumentation scope of a run of items: the library that made them.
struct OTLPScope {
    private(set) var name: Range<Int> = 0..<0
    private(set) var version: Range<Int> = 0..<0
    /// The `ScopeSpans`, `ScopeMetrics` or `ScopeLogs` message.
    let range: Range<Int>

    init(_ bytes: RawSpan, _ range: Range<Int>) {
        self.range = range
        var reader = ProtobufReader(range)
        while let field = reader.field(bytes) {
            if field.number == 1 { read(bytes, field.range) }
        }
    }

    private mutating func read(_ bytes: RawSpan, _ scope: Range<Int>) {
        var reader = ProtobufReader(scope)
        while let field = reader.field(bytes) {
            switch field.number {
            case 1: name = field.range
            case 2: version = field.range
            default: break
            }
        }
    }

    /// The items: spans, metrics or log records.
    var items: OTLPElements { OTLPElements(2, of: range) }
}
