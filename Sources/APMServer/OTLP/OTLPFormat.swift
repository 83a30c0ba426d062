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
