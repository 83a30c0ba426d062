import Common
import Testing

@testable import APMServer

@Suite("OTLP answers")
struct OTLPResponseTests {
    @Test(
        "content types",
        arguments: [
            ("application/x-protobuf", .protobuf), ("application/protobuf", .protobuf),
            ("Application/JSON; charset=utf-8", .json), ("application/json ;x", .json), ("text/plain", nil),
            ("", nil),
            ("application/x-ndjson", nil),
        ] as [(String, OTLPFormat?)]
    )
    func contentTypes(type: String, expected: OTLPFormat?) {
        #expect(OTLPFormat(contentType: type) == expected)
    }

    @Test("success, whole and partial")
    func success() {
        for signal in OTLPSignal.allCases {
            #expect(OTLPResponse.success(signal, .protobuf).isEmpty)
            #expect(OTLPResponse.success(signal, .json) == Array("{}".utf8))
        }
        // Bytes as the Python classes of the protocol read them: partial_success{rejected: 300, error_message: "no"}.
        #expect(
            OTLPResponse.success(.traces, .protobuf, rejected: 300, message: "no") == [
                0x0A, 0x8B, 0x80, 0x80, 0x80, 0x00, 0x08, 0xAC, 0x02, 0x12, 0x82, 0x80, 0x80, 0x80, 0x00,
                0x6E, 0x6F,
            ]
        )
        let names = [
            (OTLPSignal.traces, "rejectedSpans"), (.metrics, "rejectedDataPoints"),
            (.logs, "rejectedLogRecords"),
        ]
        for (signal, name) in names {
            let body = OTLPResponse.success(signal, .json, rejected: 2, message: "a \"b\"")
            #expect(
                String(decoding: body, as: UTF8.self)
                    == #"{"partialSuccess":{"\#(name)":"2","errorMessage":"a \"b\""}}"#
            )
        }
    }

    @Test("failures are a google.rpc.Status")
    func failure() {
        #expect(
            OTLPResponse.failure(.protobuf, .invalidArgument, "no") == [
                0x08, 0x03, 0x12, 0x82, 0x80, 0x80, 0x80, 0x00, 0x6E, 0x6F,
            ]
        )
        let json = OTLPResponse.failure(.json, .init(httpStatus: 503), "busy")
        #expect(String(decoding: json, as: UTF8.self) == #"{"code":14,"message":"busy"}"#)
        let codes = [400, 401, 403, 415, 429, 500].map { OTLPResponse.Code(httpStatus: $0).rawValue }
        #expect(codes == [3, 16, 7, 3, 8, 13])
    }
}
