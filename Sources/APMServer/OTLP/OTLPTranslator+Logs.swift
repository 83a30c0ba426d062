import Common

extension OTLPTranslator {
    /// A log record becomes a log line, or an error if its attributes describe an exception.
    func logs(_ scope: OTLPScope, _ bytes: RawSpan, _ tally: inout Tally, _ take: Taker) {
        var records = scope.items
        while let range = records.next(bytes) {
            tally.items += 1
            let record = OTLPLogRecord(bytes, range)
            let exception = OTLPException(6, of: range, bytes)
            line.removeAll()
            if exception.isGiven {
                writeError(record, exception, scope, bytes)
            } else {
                writeLog(record, scope, bytes)
            }
            give(take, items: 1)
        }
    }

    private func writeLog(_ record: OTLPLogRecord, _ scope: OTLPScope, _ bytes: RawSpan) {
        line.append(#"{"log":{"# as StaticString)
        line.member(#""@timestamp":"#, nanoseconds: record.time)
        // Also without a body: the intake refuses a log record of nothing.
        line.key(#""message":"#)
        line.append(text: record.body, bytes)
        writeLevel(record, #""log.level":"#, bytes)
        line.member(#""log.logger":"#, scope.name, bytes)
        line.member(#""trace.id":"#, id: record.traceID, bytes)
        line.member(#""span.id":"#, id: record.spanID, bytes)
        writeLabels(record, #""labels":"#, bytes, withoutException: false)
        line.append("}}" as StaticString)
    }

    private func writeError(
        _ record: OTLPLogRecord,
        _ exception: OTLPException,
        _ scope: OTLPScope,
        _ bytes: RawSpan
    ) {
        line.append(#"{"error":{"# as StaticString)
        writeErrorID(exception, at: record.time, of: record.spanID, bytes)
        line.member(#""timestamp":"#, nanoseconds: record.time)
        if !record.traceID.isEmpty {
            line.member(#""trace_id":"#, id: record.traceID, bytes)
            // The intake wants both or none, and takes an empty one for given.
            if record.spanID.isEmpty {
                line.member(#""parent_id":"#, literal: "\"\"")
            } else {
                line.member(#""parent_id":"#, id: record.spanID, bytes)
            }
        }
        line.writeException(exception, bytes)
        if record.body.isGiven {
            line.key(#""log":{"message":"#)
            line.append(text: record.body, bytes)
            writeLevel(record, #""level":"#, bytes)
            line.member(#""logger_name":"#, scope.name, bytes)
            line.append(UInt8(ascii: "}"))
        }
        line.openContext()
        writeLabels(record, #""tags":"#, bytes, withoutException: true)
        line.append("}}}" as StaticString)
    }

    /// The severity's text; its number's name when it has none.
    private func writeLevel(_ record: OTLPLogRecord, _ key: StaticString, _ bytes: RawSpan) {
        if !record.severityText.isEmpty {
            line.member(key, record.severityText, bytes)
        } else if let name = record.severityName {
            line.key(key)
            line.append(UInt8(ascii: "\""))
            line.append(name)
            line.append(UInt8(ascii: "\""))
        }
    }

    private func writeLabels(
        _ record: OTLPLogRecord,
        _ key: StaticString,
        _ bytes: RawSpan,
        withoutException: Bool
    ) {
        let labels = line.openObject(key)
        line.member(#""event.name":"#, record.eventName, bytes)
        var attributes = OTLPAttributes(6, of: record.range)
        while let attribute = attributes.next(bytes) {
            if withoutException, OTLPException.isPart(attribute.key, bytes) { continue }
            // Older SDKs say in an attribute what has a field of its own today.
            if !record.eventName.isEmpty, bytes.equals("event.name", attribute.key) { continue }
            line.label(attribute, bytes)
        }
        line.closeObject(labels)
    }
}

/// A `LogRecord` message.
struct OTLPLogRecord {
    private(set) var severityText: Range<Int> = 0..<0
    private(set) var body = OTLPValue.none
    private(set) var traceID: Range<Int> = 0..<0
    private(set) var spanID: Range<Int> = 0..<0
    private(set) var eventName: Range<Int> = 0..<0
    private var eventTime: UInt64 = 0
    private var observedTime: UInt64 = 0
    private var severity: UInt64 = 0
    let range: Range<Int>

    init(_ bytes: RawSpan, _ range: Range<Int>) {
        self.range = range
        var reader = ProtobufReader(range)
        while let field = reader.field(bytes) {
            switch field.number {
            case 1: eventTime = field.bits
            case 2: severity = field.bits
            case 3: severityText = field.range
            case 5: body = OTLPValue(bytes, field.range)
            case 9: traceID = bytes.id(field.range, length: 16)
            case 10: spanID = bytes.id(field.range, length: 8)
            case 11: observedTime = field.bits
            case 12: eventName = field.range
            default: break
            }
        }
    }

    /// When it happened, or was seen when that is unknown; nanoseconds since 1970.
    var time: UInt64 { eventTime > 0 ? eventTime : observedTime }

    /// Source: OpenTelemetry logs data model, "Displaying Severity", without the grades 2 to 4.
    var severityName: StaticString? {
        switch severity {
        case 1...4: "TRACE"
        case 5...8: "DEBUG"
        case 9...12: "INFO"
        case 13...16: "WARN"
        case 17...20: "ERROR"
        case 21...24: "FATAL"
        default: nil
        }
    }
}

extension ByteBuffer {
    /// Any value as one JSON string: texts as they are, everything else as its JSON.
    fileprivate mutating func append(text value: OTLPValue, _ bytes: RawSpan) {
        switch value {
        case .none: append("\"\"" as StaticString)
        case .string, .bytes, .array, .map: append(scalar: value, bytes, limit: .max)
        case .double(let number) where !number.isFinite: append(double: number)
        default:
            append(UInt8(ascii: "\""))
            append(json: value, bytes)
            append(UInt8(ascii: "\""))
        }
    }
}
