import Common

extension OTLPTranslator {
    /// A span becomes a transaction or a span, and each of its events an error or a log record.
    func traces(_ scope: OTLPScope, _ bytes: RawSpan, _ tally: inout Tally, _ take: Taker) {
        var spans = scope.items
        while let range = spans.next(bytes) {
            tally.items += 1
            let span = OTLPSpan(bytes, range)
            guard !span.id.isEmpty, !span.traceID.isEmpty else {
                tally.reject("span without id or trace id")
                continue
            }
            if span.isTransaction {
                writeTransaction(span, scope, bytes)
            } else {
                writeSpan(span, scope, bytes)
            }
            give(take, items: 1)
            var events = OTLPElements(11, of: range)
            while let event = events.next(bytes) {
                spanEvent(event, span, scope, bytes)
                give(take, items: 0)
            }
        }
    }

    private func writeTransaction(_ span: OTLPSpan, _ scope: OTLPScope, _ bytes: RawSpan) {
        line.removeAll()
        line.append(#"{"transaction":{"# as StaticString)
        writeIdentity(span, bytes)
        line.key(#""type":"#)
        line.append(transactionType: span)
        line.key(#""name":"#)
        // Kibana wants transactions to have a name; the protocol says that an empty one is unknown.
        if span.name.isEmpty {
            line.append("\"unknown\"" as StaticString)
        } else {
            line.append(quoted: span.name, bytes, limit: TextLimit.keyword)
        }
        line.key(#""result":"#)
        writeResult(of: span)
        line.member(#""span_count":"#, literal: #"{"started":0}"#)
        writeCommon(span, bytes)
        line.openContext()
        line.writeFramework(scope, bytes)
        line.append("}}}" as StaticString)
    }

    private func writeSpan(_ span: OTLPSpan, _ scope: OTLPScope, _ bytes: RawSpan) {
        let facts = span.facts
        line.removeAll()
        line.append(#"{"span":{"# as StaticString)
        writeIdentity(span, bytes)
        line.key(#""name":"#)
        line.append(quoted: span.name, bytes, limit: TextLimit.keyword)
        if facts.isDatabase {
            line.member(#""type":"#, literal: "\"db\"")
            line.member(#""subtype":"#, facts.databaseSystem, bytes)
        } else if facts.isMessaging {
            line.member(#""type":"#, literal: "\"messaging\"")
            line.member(#""subtype":"#, facts.messagingSystem, bytes)
            line.member(#""action":"#, facts.messagingOperation, bytes)
        } else if facts.isRPC {
            line.member(#""type":"#, literal: "\"external\"")
            line.member(#""subtype":"#, facts.rpcSystem, bytes)
        } else if facts.isHTTP {
            line.member(#""type":"#, literal: "\"external\"")
            line.member(#""subtype":"#, literal: "\"http\"")
        } else if span.kind == .internal || span.kind == .unspecified {
            line.member(#""type":"#, literal: "\"app\"")
            line.member(#""subtype":"#, literal: "\"internal\"")
        } else {
            line.member(#""type":"#, literal: "\"unknown\"")
        }
        // The intake wants one or the other; `start` counts from the time of receipt.
        if span.start == 0 { line.member(#""start":"#, literal: "0") }
        writeCommon(span, bytes)
        line.openContext()
        line.writeFramework(scope, bytes)
        line.append("}}}" as StaticString)
    }

    private func writeIdentity(_ span: OTLPSpan, _ bytes: RawSpan) {
        line.member(#""id":"#, id: span.id, bytes)
        line.member(#""trace_id":"#, id: span.traceID, bytes)
        line.member(#""parent_id":"#, id: span.parentID, bytes)
    }

    private func writeCommon(_ span: OTLPSpan, _ bytes: RawSpan) {
        line.member(#""timestamp":"#, nanoseconds: span.start)
        line.key(#""duration":"#)
        line.append(milliseconds: span.duration)
        line.member(#""outcome":"#, literal: span.isFailure ? "\"failure\"" : "\"success\"")
        if let rate = OTLPSampling.rate(span.traceState, bytes) {
            line.key(#""sample_rate":"#)
            line.append(double: rate)
        }
        writeLinks(span, bytes)
        line.key(#""otel":{"span_kind":""#)
        line.append(span.kindName)
        line.append(#"","attributes":{"# as StaticString)
        var attributes = OTLPAttributes(9, of: span.range)
        while let attribute = attributes.next(bytes) { line.member(attribute, bytes) }
        line.append("}}" as StaticString)
    }

    private func writeLinks(_ span: OTLPSpan, _ bytes: RawSpan) {
        let mark = line.count
        line.key(#""links":["#)
        let first = line.count
        var links = OTLPElements(13, of: span.range)
        while let range = links.next(bytes) {
            let link = OTLPSpanLink(bytes, range)
            guard !link.traceID.isEmpty, !link.spanID.isEmpty else { continue }
            line.separate()
            line.append(UInt8(ascii: "{"))
            line.member(#""trace_id":"#, id: link.traceID, bytes)
            line.member(#""span_id":"#, id: link.spanID, bytes)
            line.append(UInt8(ascii: "}"))
        }
        if line.count == first {
            line.truncate(to: mark)
        } else {
            line.append(UInt8(ascii: "]"))
        }
    }

    private func writeResult(of span: OTLPSpan) {
        if let code = span.facts.httpStatus, (100...599).contains(code) {
            line.append("\"HTTP " as StaticString)
            line.append(decimal: code / 100)
            line.append("xx\"" as StaticString)
        } else {
            line.append(span.isFailure ? "\"Error\"" as StaticString : "\"Success\"")
        }
    }
}

/// The ids of a `Link` message; empty when they are none.
private struct OTLPSpanLink {
    private(set) var traceID: Range<Int> = 0..<0
    private(set) var spanID: Range<Int> = 0..<0

    init(_ bytes: RawSpan, _ range: Range<Int>) {
        var reader = ProtobufReader(range)
        while let field = reader.field(bytes) {
            switch field.number {
            case 1: traceID = bytes.id(field.range, length: 16)
            case 2: spanID = bytes.id(field.range, length: 8)
            default: break
            }
        }
    }
}

extension ByteBuffer {
    /// The type of a transaction, as a JSON string.
    mutating func append(transactionType span: OTLPSpan) {
        if span.facts.isMessaging || span.kind == .consumer {
            append("\"messaging\"" as StaticString)
        } else if span.facts.isHTTP || span.facts.isRPC {
            append("\"request\"" as StaticString)
        } else {
            append("\"unknown\"" as StaticString)
        }
    }

    /// Begins the context of an event.
    mutating func openContext() { key(#""context":{"#) }

    /// The library that made the event, as its service's framework.
    mutating func writeFramework(_ scope: OTLPScope, _ bytes: RawSpan) {
        guard !scope.name.isEmpty else { return }
        key(#""service":{"framework":{"#)
        member(#""name":"#, scope.name, bytes)
        member(#""version":"#, scope.version, bytes)
        append("}}" as StaticString)
    }
}
