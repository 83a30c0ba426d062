import Common
import Foundation
import Glibc
import Testing

@testable import Ingest

@Suite("ingest parse")
struct ParseCommandTests {
    @Test("writes one document a line, also for the last one without an end, and skips empty lines")
    func documents() throws {
        let line = #"192.0.2.1 - - [22/Nov/2026:10:13:40 +0000] "GET /a HTTP/1.1" 200 6 "-" "curl/8""#
        let long = String(repeating: "x", count: ParseCommand.maxLineBytes + 300_000)
        let output = try parse("\(line)\r\n\n\(long)\nnonsense")
        let documents = output.split(separator: "\n").map { $0.utf8.count }
        #expect(documents.count == 3)
        #expect(output.hasPrefix(#"{"@timestamp":"2026-11-22T10:13:40.000Z","#))
        #expect(documents[1] > ParseCommand.maxLineBytes && documents[1] < ParseCommand.maxLineBytes + 1000)
        #expect(output.contains(#""event":{"created":"2026-11-22T11:00:00.000Z""#))
        #expect(output.contains(#""original":"nonsense""#))
    }

    private func parse(_ text: String) throws -> String {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let input = folder.appendingPathComponent("in").path
        let output = folder.appendingPathComponent("out").path
        try Data(text.utf8).write(to: URL(fileURLWithPath: input))
        let source = try Descriptor.open(input, O_RDONLY)
        let target = try Descriptor.open(output, O_WRONLY | O_CREAT)
        var command = ParseCommand(pipeline: try PipelineHarness().pipeline, now: PipelineHarness.receivedAt)
        try command.run(from: source, to: target)
        return String(decoding: try Data(contentsOf: URL(fileURLWithPath: output)), as: UTF8.self)
    }
}
