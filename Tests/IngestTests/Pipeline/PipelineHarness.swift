import Common
import Foundation

@testable import Ingest

/// A pipeline with its own table, fed with events as a shipper sends them.
final class PipelineHarness {
    struct Document {
        let index: String
        let id: String
        let json: [String: Any]
        let text: String

        /// The value at a dotted path; nil when it is not there.
        subscript(path: String) -> Any? {
            path.split(separator: ".").reduce(json as Any?) { value, key in
                (value as? [String: Any])?[String(key)]
            }
        }

        func string(_ path: String) -> String? { self[path] as? String }
        var tags: [String] { self["tags"] as? [String] ?? [] }
    }

    let pipeline: Pipeline
    let counters: PipelineCounters
    static let receivedAt = CalendarTime(year: 2026, month: 11, day: 22, hour: 11)

    /// - Parameter format: whose built-in pipeline is used.
    init(
        _ format: FormatName = .nginxAccess,
        enrichment: Enrichment? = nil,
        _ change: (inout PipelineConfiguration) -> Void = { _ in }
    ) throws {
        var configuration = PipelineConfiguration(format)
        change(&configuration)
        counters = PipelineCounters(Metrics(), pipeline: configuration.name)
        pipeline = try Pipeline(
            configuration,
            table: try FieldTable(names: try configuration.fieldNames()),
            counters: counters,
            enrichment: enrichment,
            seed: SipHash.Value(low: 1, high: 2)
        )
    }

    /// The document of a line, in an event of our shipper.
    func document(_ line: String, offset: Int = 0) throws -> Document {
        var payload = ByteBuffer()
        payload.append(#"{"@timestamp":"2026-11-22T10:30:00.000Z","message":"#)
        payload.append(jsonString: line)
        payload.append(
            #","log":{"offset":\#(offset),"file":{"path":"/var/log/nginx/access.log","identity":"f1"}},"#
        )
        payload.append(#""host":{"name":"web-1"},"agent":{"type":"shipper","id":"a1"},"#)
        payload.append(#""event":{"timezone":"+00:00","dataset":"nginx.access","module":"nginx"}}"#)
        return try process(payload.array)
    }

    func process(_ payload: [UInt8]) throws -> Document {
        var output = ByteBuffer()
        let bytes = payload.span.bytes
        pipeline.read(bytes, receivedAt: Self.receivedAt)
        let (index, id) = pipeline.withNames { index, id in
            (index.text(0..<index.byteCount), id.text(0..<id.byteCount))
        }
        pipeline.write(bytes, into: &output)
        let data = Data(output.array)
        guard let json = try JSONSerialization.jsonObject(with: data) as? [String: Any] else {
            throw CocoaError(.coderReadCorrupt)
        }
        return Document(index: index, id: id, json: json, text: output.text)
    }
}

/// A file of lines with the documents they should become.
struct LogVectors {
    struct Row: Sendable {
        let number: Int
        let line: String
        nonisolated(unsafe) let expected: [String: Any]
        nonisolated(unsafe) let lookups: [String: Any]
        /// A cut that goes beyond Filebeat's.
        nonisolated(unsafe) let extra: [String: Any]
        /// Whether Filebeat's pattern does not match; ours may.
        let isUnparsed: Bool
    }

    let rows: [Row]
    let logFormat: String?

    init(_ name: String) throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: Fixture.path("logs/\(name).expected.json")))
        let file = try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
        let log = try Data(contentsOf: URL(fileURLWithPath: Fixture.path("logs/\(name).log")))
        let lines = log.split(separator: 0x0A).map { String(decoding: $0, as: UTF8.self) }
        logFormat = file["log_format"] as? String
        rows = (file["events"] as? [[String: Any]] ?? []).enumerated().map { position, event in
            let number = event["n"] as? Int ?? position + 1
            return Row(
                number: number,
                line: event["message"] as? String ?? lines[number - 1],
                expected: event["expected"] as? [String: Any] ?? [:],
                lookups: event["lookups"] as? [String: Any] ?? [:],
                extra: event["extra"] as? [String: Any] ?? [:],
                isUnparsed: event["unparsed"] as? Bool ?? false
            )
        }
    }

    /// Whether two values mean the same to Elasticsearch: a list of one is that one.
    static func areEqual(_ left: Any?, _ right: Any?) -> Bool {
        guard let left, let right else { return left == nil && right == nil }
        if let left = left as? Bool, let right = right as? Bool { return left == right }
        let lefts = left as? [Any] ?? [left]
        let rights = right as? [Any] ?? [right]
        return (lefts as NSArray).isEqual(to: rights)
    }
}
