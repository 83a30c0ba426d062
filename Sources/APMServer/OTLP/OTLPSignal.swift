import Common

/// What an OTLP request exports, by its path.
enum OTLPSignal: String, CaseIterable, Sendable {
    case traces, metrics, logs

    /// `/v1/traces` and so on.
    var path: String { "/v1/\(rawValue)" }

    /// The message that a request's body is.
    var message: OTLPMessage {
        switch self {
        case .traces: .exportTraces
        case .metrics: .exportMetrics
        case .logs: .exportLogs
        }
    }
}

/// The two encodings of the same messages; answers use that of their request.
enum OTLPFormat: Sendable {
    case protobuf, json

    /// By the Content-Type of a request, parameters ignored; nil for any other (the answer is 415 then).
    init?(contentType: String) {
        let type = contentType.prefix { $0 != ";" && $0 != " " }.lowercased()
        switch type {
        case "application/x-protobuf", "application/protobuf": self = .protobuf
        case "application/json": self = .json
        default: return nil
        }
    }

    var contentType: String { self == .protobuf ? "application/x-protobuf" : "application/json" }
}

/// Why a body is not an export request; nothing of it was taken.
enum OTLPError: Error, Equatable, CustomStringConvertible {
    case protobuf(ProtobufError)
    case json(JSONError)
    /// A field has another wire type than the protocol gives it.
    case fieldType(OTLPMessage, number: Int, offset: Int)
    /// A value in JSON is not what its field takes.
    case value(field: String, offset: Int)
    /// Messages in messages beyond `OTLPMessage.maxDepth`.
    case tooDeep(offset: Int)

    var description: String {
        switch self {
        case .protobuf(let error): "not a protobuf message: \(error)"
        case .json(let error): "not JSON: \(error)"
        case .fieldType(let message, let number, let offset):
            "field \(number) of \(message) has a wrong wire type at byte \(offset)"
        case .value(let field, let offset): "wrong value for \(field) before byte \(offset)"
        case .tooDeep(let offset): "nested too deeply at byte \(offset)"
        }
    }
}
