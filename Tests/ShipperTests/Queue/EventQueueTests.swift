import Common
import Foundation
import Testing

@testable import Shipper

@Suite struct EventQueueTests {
    private let state = FileState(
        key: FileKey(device: 254 << 32 | 1, inode: 42, birth: 1),
        path: "/var/log/app/odd.log",
        lastSeen: 0
    )

    private func template(_ source: EventTemplate.Source) -> EventTemplate {
        EventTemplate(source: source, path: state.path, key: state.key, token: 0xAB)
    }

    /// Cuts `bytes` into lines and encodes them as a harvester does.
    private func json(_ bytes: [UInt8], _ source: EventTemplate.Source, level: Int = 0) throws -> [String] {
        var queue = EventQueue(limits: EventQueue.Limits(compressionLevel: level))
        var opening = ByteBuffer()
        opening.append(#"{"@timestamp":"2026-11-22T10:25:05.345Z","message":""#)
        let span = bytes.span.bytes
        var splitter = LineSplitter()
        while let line = splitter.next(span, end: bytes.count) {
            if line.content.isEmpty { continue }
            queue.append(
                span,
                line.content,
                offset: Int64(line.content.lowerBound),
                opening: opening,
                template: template(source)
            )
        }
        let batch = queue.seal()
        return try events(batch)
    }

    private func events(_ batch: Batch) throws -> [String] {
        var decoder = LumberjackDecoder()
        var offset = 0
        var events: [String] = []
        try batch.frames.withSpan { bytes in
            while true {
                switch try decoder.next(in: bytes, at: &offset) {
                case .needsMore: return
                case .windowStarted(let count): #expect(count == Int(batch.count))
                case .event(let event):
                    decoder.withBytes(of: event, in: bytes) { events.append($0.text($1)) }
                case .windowComplete(let ack, _): #expect(ack == batch.count)
                }
            }
        }
        #expect(offset == batch.frames.count)
        return events
    }

    @Test("an event, byte by byte")
    func bytes() throws {
        let source = EventTemplate.Source(
            hostName: "web-1",
            agentID: "f1a0c3e1-a14f-4711-a37d-6d6b96f6685c",
            timezone: "+01:00",
            dataset: "nginx.access",
            fieldsJSON: Array(#"{"app":"shop"}"#.utf8),
            tags: ["web", "a\"b"]
        )
        let expected =
            #"{"@timestamp":"2026-11-22T10:25:05.345Z","message":"hi \"you\"","log":{"offset":0,"#
            + #""file":{"path":"/var/log/app/odd.log","device_id":"65025","inode":"42","#
            + #""identity":"00000000000000ab"}},"host":{"name":"web-1"},"#
            + #""agent":{"type":"shipper","version":"\#(Version.current)","#
            + #""id":"f1a0c3e1-a14f-4711-a37d-6d6b96f6685c"},"#
            + #""event":{"timezone":"+01:00","dataset":"nginx.access","module":"nginx"},"#
            + #""fields":{"app":"shop"},"tags":["web","a\"b"]}"#
        #expect(try json(Array("hi \"you\"\n".utf8), source) == [expected])
    }

    @Test("odd bytes as a real Filebeat sends them", arguments: [0, 1, 9])
    func oddBytes(level: Int) throws {
        var bytes = Array("html <b>&amp; \"q\" \\x22 tab\there\n".utf8)
        bytes +=
            Array("latin1 ".utf8) + [0xE9] + Array(" bad utf8 ".utf8) + [0xFF, 0xFE] + Array(" end\n".utf8)
        bytes += Array("nul \0 byte\n".utf8)
        let wanted = try #require(try Fixture.json("lumberjack/filebeat-odd-bytes.json") as? [[String: Any]])
        let got = try json(bytes, EventTemplate.Source(hostName: "web-01"), level: level).map {
            try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
        #expect(got.map { $0["message"] as? String } == wanted.prefix(3).map { $0["message"] as? String })
        #expect((got[0]["host"] as? [String: String]) == ["name": "web-01"])
    }

    @Test("a window ends at its limits, and knows how far each file is")
    func limits() throws {
        var queue = EventQueue(limits: EventQueue.Limits(events: 3, bytes: 100_000, compressionLevel: 0))
        var opening = ByteBuffer()
        opening.append(#"{"message":""#)
        let line = Array("line".utf8)
        var taken: Int64 = 0
        while !queue.isFull {
            queue.append(line.span.bytes, 0..<4, offset: taken, opening: opening, template: template(.init()))
            taken += 1
        }
        queue.advance(state, to: taken, .empty, lineBytes: 15)
        #expect(taken == 3)
        let batch = queue.seal()
        #expect(batch.count == 3)
        #expect(batch.progress.map(\.offset) == [3])
        #expect(batch.lineBytes == 15)
        let isEmpty = queue.isEmpty
        #expect(isEmpty)
        #expect(try events(batch).count == 3)
    }

    @Test("escapes cannot make an event larger than a receiver takes")
    func largestEvent() throws {
        var queue = EventQueue(limits: EventQueue.Limits(compressionLevel: 1))
        var opening = ByteBuffer()
        opening.append(#"{"message":""#)
        let piece = [UInt8](repeating: 1, count: 1 << 20)
        queue.beginLongEvent(opening: opening)
        var pieces = 0
        while queue.appendPiece(piece.span.bytes, 0..<piece.count) { pieces += 1 }
        queue.endLongEvent(offset: 0, flags: .truncated, template: template(.init()))
        #expect(pieces == 2)
        let event = try #require(try events(queue.seal()).first)
        #expect(event.utf8.count < LumberjackLimits().frameBytes)
        #expect(event.contains(#""log":{"flags":["truncated"],"offset":0,"#))
    }
}
