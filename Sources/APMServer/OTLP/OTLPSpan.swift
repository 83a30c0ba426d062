import Common

/// A span of a (checked) request, and what follows from its attributes.
struct OTLPSpan {
    /// Source: opentelemetry-proto, `Span.SpanKind`.
    enum Kind: UInt64 {
        case unspecified = 0
        case `internal`, server, client, producer, consumer
    }

    private(set) var traceID: Range<Int> = 0..<0
    private(set) var id: Range<Int> = 0..<0
    private(set) var parentID: Range<Int> = 0..<0
    private(set) var traceState: Range<Int> = 0..<0
    private(set) var name: Range<Int> = 0..<0
    private(set) var kind = Kind.unspecified
    /// Nanoseconds since 1970; 0 when not given.
    private(set) var start: UInt64 = 0
    private(set) var end: UInt64 = 0
    /// 0 unset, 1 ok, 2 error.
    private(set) var status: UInt64 = 0
    private(set) var facts = OTLPSpanFacts()
    /// The `Span` message, for its lists.
    let range: Range<Int>

    init(_ bytes: RawSpan, _ range: Range<Int>) {
        self.range = range
        var reader = ProtobufReader(range)
        while let field = reader.field(bytes) {
            switch field.number {
            case 1: traceID = bytes.id(field.range, length: 16)
            case 2: id = bytes.id(field.range, length: 8)
            case 3: traceState = field.range
            case 4: parentID = bytes.id(field.range, length: 8)
            case 5: name = field.range
            case 6: kind = Kind(rawValue: field.bits) ?? .unspecified
            case 7: start = field.bits
            case 8: end = field.bits
            case 9: facts.note(OTLPAttribute(bytes, field.range), bytes)
            case 15: readStatus(bytes, field.range)
            default: break
            }
        }
    }

    private mutating func readStatus(_ bytes: RawSpan, _ range: Range<Int>) {
        var reader = ProtobufReader(range)
        while let field = reader.field(bytes) {
            if field.number == 3 { status = field.bits }
        }
    }

    /// Whether it is the first of its service in a trace, which APM calls a transaction.
    var isTransaction: Bool { parentID.isEmpty || kind == .server || kind == .consumer }

    /// Nanoseconds; 0 for a span that ends before it starts, or does not say when that was.
    var duration: UInt64 { start > 0 && end > start ? end - start : 0 }

    /// The `span_kind` of the intake's `otel`.
    var kindName: StaticString {
        switch kind {
        case .server: "SERVER"
        case .client: "CLIENT"
        case .producer: "PRODUCER"
        case .consumer: "CONSUMER"
        case .internal, .unspecified: "INTERNAL"
        }
    }

    /// What the status says; when it says nothing, what the protocol's own status says; success otherwise.
    var isFailure: Bool {
        switch status {
        case 1: return false
        case 2: return true
        default:
            if let code = facts.httpStatus { return code >= (isTransaction ? 500 : 400) }
            if let code = facts.grpcStatus {
                return isTransaction ? Self.grpcServerErrors.contains(code) : code != 0
            }
            return false
        }
    }

    /// Unknown, deadline exceeded, unimplemented, internal, unavailable, data loss: the server's own fault.
    ///
    /// Source: OpenTelemetry semantic conventions for gRPC, "Server span status".
    private static let grpcServerErrors: Set<Int64> = [2, 4, 12, 13, 14, 15]
}

/// What a span's attributes say about the protocol that it speaks.
///
/// Only what decides type, outcome and result: the attributes go along with the line, and the mapper of the
/// OpenTelemetry bridge makes the other fields of them.
struct OTLPSpanFacts {
    private(set) var isHTTP = false
    private(set) var isRPC = false
    private(set) var isDatabase = false
    private(set) var isMessaging = false
    private(set) var httpStatus: Int64?
    private(set) var grpcStatus: Int64?
    /// `db.system`, `rpc.system` and so on; empty when not given.
    private(set) var databaseSystem: Range<Int> = 0..<0
    private(set) var rpcSystem: Range<Int> = 0..<0
    private(set) var messagingSystem: Range<Int> = 0..<0
    private(set) var messagingOperation: Range<Int> = 0..<0

    mutating func note(_ attribute: OTLPAttribute, _ bytes: RawSpan) {
        let key = attribute.key
        func isIn(_ group: StaticString) -> Bool {
            key.count > group.utf8CodeUnitCount
                && bytes.equals(group, key.lowerBound..<key.lowerBound + group.utf8CodeUnitCount)
        }
        if isIn("http.") {
            isHTTP = true
            if bytes.equals("http.response.status_code", key) || bytes.equals("http.status_code", key) {
                httpStatus = attribute.value.integer(bytes)
            }
        } else if isIn("rpc.") {
            isRPC = true
            if bytes.equals("rpc.system", key) || bytes.equals("rpc.system.name", key) {
                rpcSystem = attribute.value.text
            } else if bytes.equals("rpc.grpc.status_code", key) {
                grpcStatus = attribute.value.integer(bytes)
            }
        } else if isIn("db.") {
            isDatabase = true
            if bytes.equals("db.system", key) || bytes.equals("db.system.name", key) {
                databaseSystem = attribute.value.text
            }
        } else if isIn("messaging.") {
            isMessaging = true
            if bytes.equals("messaging.system", key) {
                messagingSystem = attribute.value.text
            } else if bytes.equals("messaging.operation", key)
                || bytes.equals("messaging.operation.type", key)
            {
                messagingOperation = attribute.value.text
            }
        }
    }
}

extension RawSpan {
    /// `range` if it holds an id of that length; empty for any other, and for zeros, which mean none.
    func id(_ range: Range<Int>, length: Int) -> Range<Int> {
        guard range.count == length, range.contains(where: { self[$0] != 0 }) else { return 0..<0 }
        return range
    }
}
