import Common
import Testing

@testable import Ingest

@Suite("Changes of inputs")
struct InputChangesTests {
    private func input(_ text: String) throws -> InputConfiguration {
        let parts = text.split(separator: " ").map(String.init)
        return InputConfiguration(
            host: parts[0],
            port: try #require(Int(parts[1])),
            pipeline: parts.count > 2 ? parts[2] : "p",
            tls: TLSServerConfiguration()
        )
    }

    private func open(_ texts: [String]) throws -> [OpenInput] {
        let address = try #require(try Socket.resolve("127.0.0.1", port: 1).first)
        return try texts.enumerated().map {
            OpenInput(id: $0, configuration: try input($1), address: address)
        }
    }

    struct Row: Sendable, CustomTestStringConvertible {
        let what: String
        let open: [String]
        let wanted: [String]
        /// `number pipeline`.
        var kept: [String] = []
        var added: [String] = []
        var removed: [Int] = []
        var testDescription: String { what }
    }

    @Test(
        "an input is the same on the same host and port",
        arguments: [
            Row(
                what: "nothing changes",
                open: ["h 1", "h 2"],
                wanted: ["h 1", "h 2"],
                kept: ["0 p", "1 p"]
            ),
            Row(what: "another pipeline", open: ["h 1"], wanted: ["h 1 q"], kept: ["0 q"]),
            Row(what: "another order", open: ["h 1", "h 2"], wanted: ["h 2", "h 1"], kept: ["1 p", "0 p"]),
            Row(what: "another port", open: ["h 1"], wanted: ["h 2"], added: ["h 2"], removed: [0]),
            Row(what: "another host", open: ["h 1"], wanted: ["i 1"], added: ["i 1"], removed: [0]),
            Row(what: "one more", open: ["h 1"], wanted: ["h 1", "h 2"], kept: ["0 p"], added: ["h 2"]),
            Row(what: "one less", open: ["h 1", "h 2"], wanted: ["h 2"], kept: ["1 p"], removed: [0]),
            Row(
                what: "ports chosen by the system",
                open: ["h 0", "h 0"],
                wanted: ["h 0 q", "h 0", "h 0"],
                kept: ["0 q", "1 p"],
                added: ["h 0"]
            ),
        ]
    )
    func changes(_ row: Row) throws {
        let changes = InputChanges(from: try open(row.open), to: try row.wanted.map(input))
        #expect(changes.kept.map { "\($0.id) \($0.configuration.pipeline)" } == row.kept)
        #expect(changes.added.map { "\($0.host) \($0.port)" } == row.added)
        #expect(changes.removed.map(\.id) == row.removed)
    }
}
