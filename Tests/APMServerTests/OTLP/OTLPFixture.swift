import Common
import Foundation
import Testing

@testable import APMServer

/// What a request was translated to.
struct OTLPTranslation: Equatable {
    var lines: [String] = []
    /// By line; -1 for metadata.
    var items: [Int] = []
    var tally = OTLPTranslator.Tally()

    var events: [String] { zip(lines, items).filter { $0.1 >= 0 }.map(\.0) }

    /// Translates a request; each line must be one that the intake takes.
    init(_ signal: OTLPSignal, _ format: OTLPFormat, _ body: [UInt8]) throws {
        var decoder = EventDecoder()
        var fields = EventFields()
        var refusals: [String] = []
        tally = try OTLPTranslator().translate(signal, format, body.span.bytes) { line, bytes in
            let text = bytes.text(0..<bytes.byteCount)
            lines.append(text)
            do throws(IntakeError) {
                switch line {
                case .metadata:
                    items.append(-1)
                    try decoder.metadata(bytes, into: &fields)
                case .event(let count):
                    items.append(count)
                    _ = try decoder.event(bytes, into: &fields)
                }
            } catch {
                refusals.append("\(error.message): \(text)")
            }
        }
        #expect(refusals == [])
    }

    init(_ signal: OTLPSignal, json: String) throws { try self.init(signal, .json, Array(json.utf8)) }
}

/// Requests recorded from the OpenTelemetry SDK for Python.
enum OTLPFixture {
    static let names = ["flask", "flask-stable", "manual"].flatMap { name in
        OTLPSignal.allCases.map { (name, $0) }
    }.filter { name, signal in name != "flask-stable" || signal == .traces }

    static func bytes(_ name: String, _ signal: OTLPSignal, _ format: OTLPFormat) throws -> [UInt8] {
        try IntakeFixture.bytes(
            "otlp/\(name)-\(signal.rawValue).\(format == .json ? "json" : "pb")"
        )
    }
}

/// A span, log record or metric among what it needs to be a request.
enum OTLPRequest {
    static let ids =
        #""traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174""#

    static func span(_ members: String) -> String {
        #"{"resourceSpans":[{"scopeSpans":[{"spans":[{\#(ids)\#(members.isEmpty ? "" : ",")\#(members)}]}]}]}"#
    }

    static func log(_ members: String) -> String {
        #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{\#(members)}]}]}]}"#
    }

    static func metrics(_ metrics: String) -> String {
        #"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[\#(metrics)]}]}]}"#
    }

    static func resource(_ attributes: String) -> String {
        #"{"resourceSpans":[{"resource":{"attributes":[\#(attributes)]}}]}"#
    }

    /// `{"key":…,"value":{…}}`.
    static func attribute(_ key: String, _ value: String) -> String {
        #"{"key":"\#(key)","value":{\#(value)}}"#
    }
}
