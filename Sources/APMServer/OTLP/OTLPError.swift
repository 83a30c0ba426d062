import Common

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
