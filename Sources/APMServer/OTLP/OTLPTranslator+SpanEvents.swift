import Common

extension OTLPTranslator {
    /// Writes the line of one event of a span: an error if it is an exception, else a log record.
    func spanEvent(_ range: Range<Int>, _ span: OTLPSpan, _ scope: OTLPScope, _ bytes: RawSpan) {
        let event = OTLPSpanEvent(bytes, range)
        let exception = OTLPException(3, of: range, bytes)
        line.removeAll()
        if bytes.equals("exception", event.name), exception.isGiven {
            writeError(event, exception, span, scope, bytes)
        } else {
            writeLog(event, span, bytes)
        }
    }

    private func writeError(
        _ event: OTLPSpanEvent,
        _ exception: OTLPException,
        _ span: OTLPSpan,
        _ scope: OTLPScope,
        _ bytes: RawSpan
    ) {
        line.append(#"{"error":{"# as StaticString)
        writeErrorID(exception, at: event.time, of: span.id, bytes)
        line.member(#""timestamp":"#, nanoseconds: event.time)
        line.member(#""trace_id":"#, id: span.traceID, bytes)
        line.member(#""parent_id":"#, id: span.id, bytes)
        if span.isTransaction {
            line.member(#""transaction_id":"#, id: span.id, bytes)
            line.key(#""transaction":{"sampled":true,"type":"#)
            line.append(transactionType: span)
            line.member(#""name":"#, span.name, bytes)
            line.append(UInt8(ascii: "}"))
        }
        line.writeException(exception, bytes)
        line.openContext()
        line.writeFramework(scope, bytes)
        let tags = line.openObject(#""tags":"#)
        var attributes = OTLPAttributes(3, of: event.range)
        while let attribute = attributes.next(bytes) {
            if !OTLPException.isPart(attribute.key, bytes) { line.label(attribute, bytes) }
        }
        line.closeObject(tags)
        line.append("}}}" as StaticString)
    }

    private func writeLog(_ event: OTLPSpanEvent, _ span: OTLPSpan, _ bytes: RawSpan) {
        line.append(#"{"log":{"# as StaticString)
        line.member(#""@timestamp":"#, nanoseconds: event.time)
        line.member(#""message":"#, event.name, bytes, limit: .max)
        line.member(#""trace.id":"#, id: span.traceID, bytes)
        if span.isTransaction {
            line.member(#""transaction.id":"#, id: span.id, bytes)
        } else {
            line.member(#""span.id":"#, id: span.id, bytes)
        }
        let labels = line.openObject(#""labels":"#)
        var attributes = OTLPAttributes(3, of: event.range)
        while let attribute = attributes.next(bytes) { line.label(attribute, bytes) }
        line.closeObject(labels)
        line.append("}}" as StaticString)
    }

    /// An error's id, which OTLP has not: 32 hexadecimal digits of a hash of what it was made of.
    ///
    /// - Parameter owner: the id of the span that the error belongs to.
    func writeErrorID(
        _ exception: OTLPException,
        at time: UInt64,
        of owner: Range<Int>,
        _ bytes: RawSpan
    ) {
        var id = Self.errorIDs.hash(bytes, owner, tweak: time)
        for part in [exception.type, exception.message, exception.stackTrace] {
            id = Self.errorIDs.hash(bytes, part, tweak: id.low)
        }
        line.key(#""id":"#)
        line.append(UInt8(ascii: "\""))
        line.append(hexadecimal: id.high)
        line.append(hexadecimal: id.low)
        line.append(UInt8(ascii: "\""))
    }

    /// Without a secret: whoever sends the same event again gets the same id.
    private static let errorIDs = SipHash(key: 0x6f74_6c70, 0x6572_726f_7273)
}

/// An `Event` message of a span.
struct OTLPSpanEvent {
    private(set) var time: UInt64 = 0
    private(set) var name: Range<Int> = 0..<0
    let range: Range<Int>

    init(_ bytes: RawSpan, _ range: Range<Int>) {
        self.range = range
        var reader = ProtobufReader(range)
        while let field = reader.field(bytes) {
            switch field.number {
            case 1: time = field.bits
            case 2: name = field.range
            default: break
            }
        }
    }
}

/// The exception that attributes describe.
///
/// Source: OpenTelemetry semantic conventions, "Exceptions".
struct OTLPException {
    private(set) var type: Range<Int> = 0..<0
    private(set) var message: Range<Int> = 0..<0
    private(set) var stackTrace: Range<Int> = 0..<0
    /// Whether it left the span.
    private(set) var isEscaped = false

    /// - Parameter number: of the field of attributes in the message at `range`.
    init(_ number: Int, of range: Range<Int>, _ bytes: RawSpan) {
        var attributes = OTLPAttributes(number, of: range)
        while let attribute = attributes.next(bytes) {
            guard Self.isPart(attribute.key, bytes) else { continue }
            if bytes.equals("exception.type", attribute.key) {
                type = attribute.value.text
            } else if bytes.equals("exception.message", attribute.key) {
                message = attribute.value.text
            } else if bytes.equals("exception.stacktrace", attribute.key) {
                stackTrace = attribute.value.text
            } else {
                isEscaped = attribute.value.isTrue(bytes)
            }
        }
    }

    /// Whether there is enough for an error.
    var isGiven: Bool { !type.isEmpty || !message.isEmpty }

    /// Whether an attribute is read here and so need not be a label.
    static func isPart(_ key: Range<Int>, _ bytes: RawSpan) -> Bool {
        bytes.equals("exception.type", key) || bytes.equals("exception.message", key)
            || bytes.equals("exception.stacktrace", key) || bytes.equals("exception.escaped", key)
    }
}

extension ByteBuffer {
    /// The members of an error line that describe its exception.
    ///
    /// `stack_trace` is ours alone: the intake knows stack traces of frames, OTLP those of text.
    mutating func writeException(_ exception: OTLPException, _ bytes: RawSpan) {
        key(#""exception":{"#)
        member(#""type":"#, exception.type, bytes)
        member(#""message":"#, exception.message, bytes, limit: .max)
        member(#""handled":"#, literal: exception.isEscaped ? "false" : "true")
        append(UInt8(ascii: "}"))
        member(#""stack_trace":"#, exception.stackTrace, bytes, limit: .max)
    }
}
