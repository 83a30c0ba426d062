import Common

/// The bodies of answers, in the encoding of the request.
///
/// Source: OTLP specification 1.x, "OTLP/HTTP Response", and `google.rpc.Status`.
enum OTLPResponse {
    /// Codes of `google.rpc.Code` that answers here use.
    enum Code: Int64, Sendable {
        case invalidArgument = 3
        case permissionDenied = 7
        case resourceExhausted = 8
        case `internal` = 13
        case unavailable = 14
        case unauthenticated = 16

        /// The code that goes with an HTTP status.
        init(httpStatus: Int) {
            switch httpStatus {
            case 401: self = .unauthenticated
            case 403: self = .permissionDenied
            case 429: self = .resourceExhausted
            case 502, 503, 504: self = .unavailable
            case 500...: self = .internal
            default: self = .invalidArgument
            }
        }
    }

    /// The body of a 200: empty (`{}`) when all was taken, else how many items were not and why the first was not.
    static func success(
        _ signal: OTLPSignal,
        _ format: OTLPFormat,
        rejected: Int = 0,
        message: String = ""
    ) -> [UInt8] {
        var body = ByteBuffer()
        guard rejected > 0 || !message.isEmpty else { return format == .json ? Array("{}".utf8) : [] }
        switch format {
        case .protobuf:
            let partial = body.openProtobuf(1)
            if rejected > 0 {
                body.append(protobufTag: 1, .varint)
                body.append(varint: UInt64(rejected))
            }
            body.append(protobufString: message, 2)
            body.closeProtobuf(partial)
        case .json:
            body.append(#"{"partialSuccess":{""# as StaticString)
            body.append(rejectedName(signal))
            // 64-bit integers are strings in protobuf's JSON.
            body.append(#"":""# as StaticString)
            body.append(decimal: Int64(rejected))
            body.append(#"","errorMessage":"# as StaticString)
            body.append(jsonString: message)
            body.append("}}" as StaticString)
        }
        return body.array
    }

    /// The body of any failure: a `google.rpc.Status`.
    static func failure(_ format: OTLPFormat, _ code: Code, _ message: String) -> [UInt8] {
        var body = ByteBuffer()
        switch format {
        case .protobuf:
            body.append(protobufTag: 1, .varint)
            body.append(varint: UInt64(code.rawValue))
            body.append(protobufString: message, 2)
        case .json:
            body.append(#"{"code":"# as StaticString)
            body.append(decimal: code.rawValue)
            body.append(#","message":"# as StaticString)
            body.append(jsonString: message)
            body.append(UInt8(ascii: "}"))
        }
        return body.array
    }

    private static func rejectedName(_ signal: OTLPSignal) -> StaticString {
        switch signal {
        case .traces: "rejectedSpans"
        case .metrics: "rejectedDataPoints"
        case .logs: "rejectedLogRecords"
        }
    }
}
