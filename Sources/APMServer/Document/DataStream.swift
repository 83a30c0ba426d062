import Common

/// Which kind of data stream a document goes to.
enum DataStream: Int, CaseIterable, Sendable {
    case traces, rumTraces, errors, internalMetrics
    /// One for each service.
    case appMetrics, appLogs

    fileprivate var type: StaticString {
        switch self {
        case .traces, .rumTraces: "traces"
        case .errors, .appLogs: "logs"
        case .internalMetrics, .appMetrics: "metrics"
        }
    }
}

/// The name of one data stream, and what its documents say of it.
struct DataStreamText: Sendable {
    /// `traces-apm-default`.
    let name: [UInt8]
    /// `apm`.
    let dataset: [UInt8]
    /// `"data_stream":{"type":"traces","dataset":"apm","namespace":"default"}`.
    let members: [UInt8]

    /// - Parameter service: name of the service, for the streams that each service has of its own.
    init(_ stream: DataStream, service: RawSpan = RawSpan(), namespace: String) {
        var text = ByteBuffer()
        switch stream {
        case .traces: text.append("apm" as StaticString)
        case .rumTraces: text.append("apm.rum" as StaticString)
        case .errors: text.append("apm.error" as StaticString)
        case .internalMetrics: text.append("apm.internal" as StaticString)
        case .appMetrics, .appLogs:
            text.append("apm.app." as StaticString)
            text.append(datasetPart: service)
        }
        dataset = text.array
        text.removeAll()
        text.append(stream.type)
        text.append(UInt8(ascii: "-"))
        text.append(dataset)
        text.append(UInt8(ascii: "-"))
        text.append(namespace)
        name = text.array
        text.removeAll()
        text.append(#""data_stream":{"type":""# as StaticString)
        text.append(stream.type)
        text.append(#"","dataset":""# as StaticString)
        text.append(dataset)
        text.append(#"","namespace":"# as StaticString)
        text.append(jsonString: namespace)
        text.append(UInt8(ascii: "}"))
        members = text.array
    }
}

extension ByteBuffer {
    /// Elasticsearch takes data sets of at most 100 bytes; `apm.app.` has eight of them.
    private static let longestServicePart = 92

    /// Appends a service's name as a part of the name of a data set: lower case, special characters as `_`, cut to
    /// what fits; `unknown` for no name.
    fileprivate mutating func append(datasetPart service: RawSpan) {
        guard service.byteCount > 0 else {
            append("unknown" as StaticString)
            return
        }
        // Letters beyond ASCII come only over OTLP.
        let lower = Array(service.text(0..<service.byteCount).lowercased().utf8)
        var end = min(lower.count, Self.longestServicePart)
        while end > 0, end < lower.count, lower[end] & 0xC0 == 0x80 { end -= 1 }
        for byte in lower[..<end] { append(Self.isKeptInDataset(byte) ? byte : UInt8(ascii: "_")) }
    }

    private static func isKeptInDataset(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "*"), UInt8(ascii: "?"), UInt8(ascii: "\""),
            UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "|"), UInt8(ascii: " "), UInt8(ascii: ","),
            UInt8(ascii: "#"), UInt8(ascii: ":"), UInt8(ascii: "-"):
            false
        default: byte >= 0x20
        }
    }
}
