import Common
import Foundation

@testable import APMServer

/// Intake requests below Tests/Fixtures, found through this file's own place.
enum IntakeFixture {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Fixtures")

    /// `apm/minimal.ndjson` and the like.
    static let names: [String] = ["apm", "apm-agent"].flatMap { name in
        let files = try? FileManager.default.contentsOfDirectory(
            atPath: folder.appendingPathComponent(name).path
        )
        return (files ?? []).filter { $0.hasSuffix(".ndjson") }.sorted().map { "\(name)/\($0)" }
    }

    static func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

    static func bytes(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: folder.appendingPathComponent(name)))
    }

    /// The lines of a request, the empty ones left out.
    static func lines(_ name: String) throws -> [[UInt8]] {
        try bytes(name).split(separator: UInt8(ascii: "\n")).map(Array.init)
    }

    static var allLines: [[UInt8]] { get throws { try names.flatMap { try lines($0) } } }
}

/// What became of a line.
enum Decoded: Equatable {
    case metadata(Dialect)
    case event(EventKind)
    case refused(IntakeError.Reason, String)

    var message: String? {
        if case .refused(_, let message) = self { message } else { nil }
    }
}

extension EventDecoder {
    /// Decodes a line as metadata if it is some, else as an event.
    mutating func decode(_ line: [UInt8], into fields: inout EventFields) -> Decoded {
        let bytes = line.span.bytes
        do throws(IntakeError) { return .metadata(try metadata(bytes, into: &fields)) } catch {
            guard error.reason == .metadata else { return .refused(error.reason, error.message) }
        }
        do throws(IntakeError) { return .event(try event(bytes, into: &fields)) } catch {
            return .refused(error.reason, error.message)
        }
    }

    mutating func decode(_ line: String, into fields: inout EventFields) -> Decoded {
        decode(Array(line.utf8), into: &fields)
    }
}

/// The message that refuses a line; nil when it is taken.
func refusal(of line: String) -> String? {
    var decoder = EventDecoder()
    var fields = EventFields()
    return decoder.decode(line, into: &fields).message
}
