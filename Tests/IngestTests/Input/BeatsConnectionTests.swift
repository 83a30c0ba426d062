import Common
import Glibc
import Testing

@testable import Ingest

@Suite("Beats connection")
struct BeatsConnectionTests {
    @Test(
        "hands out every event once and in order, wherever the consumer stops",
        arguments: [0, 1],
        [1, 3, 1000]
    )
    func stopsAndResumes(level: Int, batch: Int) throws {
        let peer = try Peer()
        try peer.send(Self.windows([10, 1, 25], level: level))
        var events: [String] = []
        var progress = try peer.read {
            events.append($0); return events.count % batch != 0
        }
        while progress == .stopped {
            progress = try peer.resume {
                events.append($0); return events.count % batch != 0
            }
        }
        #expect(progress == .waiting)
        #expect(events == (0..<36).map { #"{"n":\#($0)}"# })
    }

    @Test("acknowledges in order, and only what is stored")
    func acknowledges() throws {
        let peer = try Peer()
        try peer.send(Self.windows([2, 3], level: 1))
        var ids: [Int] = []
        _ = try peer.connection.read(scratch: &peer.scratch, inflate: &peer.inflate, now: 0) { _, _, window in
            peer.connection.windows.sent(window)
            ids.append(window)
            return true
        }
        #expect(ids == [0, 0, 1, 1, 1])
        peer.connection.windows.stored(1, documents: 3)
        #expect(peer.connection.windows.nextAck() == nil)
        peer.connection.windows.stored(0, documents: 2)
        while let ack = peer.connection.windows.nextAck() { try peer.connection.acknowledge(ack, now: 0) }
        #expect(try peer.receive(12) == [0x32, 0x41, 0, 0, 0, 2, 0x32, 0x41, 0, 0, 0, 3])
    }

    @Test("says how much memory a large frame needs before it holds it")
    func needsMemory() throws {
        let peer = try Peer()
        try peer.send([0x32, 0x57, 0, 0, 0, 1, 0x32, 0x4A, 0, 0, 0, 1, 0, 0x10, 0, 0, 0x7B])
        let progress = try peer.read { _ in true }
        guard case .needsMemory(let bytes) = progress else {
            Issue.record("answered \(progress)")
            return
        }
        #expect(bytes >= 0x100000 && bytes < 0x100000 + 64)
        #expect(peer.connection.bufferedBytes >= bytes)
    }

    @Test("ends on an orderly close, a reset and bytes that are not Lumberjack")
    func ends() throws {
        let closed = try Peer()
        closed.close()
        #expect(throws: BeatsConnection.End.self) { _ = try closed.read { _ in true } }
        let garbage = try Peer()
        try garbage.send(Array("GET / HTTP/1.1\r\n\r\n".utf8))
        let end = #expect(throws: BeatsConnection.End.self) { _ = try garbage.read { _ in true } }
        guard case .protocolError = end else {
            Issue.record("ended with \(String(describing: end))")
            return
        }
    }

    @Test("a window whose rest does not come is too slow; a pause of ours does not count")
    func slow() throws {
        let peer = try Peer()
        try peer.send([0x32, 0x57, 0, 0, 0, 1])
        _ = try peer.read { _ in true }
        #expect(!peer.connection.isTooSlow(now: 29, timeout: 30))
        #expect(peer.connection.isTooSlow(now: 30, timeout: 30))
        peer.connection.pauseReading()
        #expect(!peer.connection.isTooSlow(now: 1000, timeout: 30))
        peer.connection.resumeReading(now: 1000)
        #expect(!peer.connection.isTooSlow(now: 1029, timeout: 30))
        #expect(peer.connection.isTooSlow(now: 1030, timeout: 30))
    }

    @Test("one that leaves ends its window and begins no other")
    func leaves() throws {
        let peer = try Peer()
        try peer.send(Self.windows([3, 2], level: 0))
        peer.connection.isLeaving = true
        var events = 0
        let progress = try peer.read { _ in
            events += 1
            return true
        }
        #expect(progress == .stopped)
        #expect(events == 3)
        #expect(peer.connection.windows.count == 1)
        #expect(!peer.connection.windows.isReceiving)
    }

    /// Windows of the given sizes, events numbered through.
    private static func windows(_ sizes: [Int], level: Int) -> [UInt8] {
        var encoder = LumberjackEncoder(capacity: 4096)
        let compressor = DeflateCompressor(level: 1)
        var bytes: [UInt8] = []
        var number = 0
        for size in sizes {
            for _ in 0..<size {
                encoder.beginEvent()
                encoder.buffer.append(#"{"n":\#(number)}"#)
                encoder.endEvent()
                number += 1
            }
            var window = ByteBuffer()
            if level == 0 {
                encoder.finish(into: &window)
            } else {
                encoder.finish(into: &window, compressor: compressor)
            }
            bytes += window.array
        }
        return bytes
    }
}

/// The sender's end of a socket pair, with a connection at the other.
private final class Peer {
    let connection: BeatsConnection
    var scratch = ByteBuffer()
    var inflate = ByteBuffer()
    private var socket: Int32

    init() throws {
        var pair: [Int32] = [0, 0]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0, &pair) == 0)
        socket = pair[0]
        let address = try #require(try Socket.resolve("127.0.0.1", port: 1).first)
        connection = BeatsConnection(
            socket: try Descriptor(adopting: pair[1]),
            token: 1,
            peer: address,
            input: 0,
            tls: nil,
            limits: LumberjackLimits(),
            now: 0
        )
    }

    deinit { close() }

    func close() {
        if socket >= 0 { _ = Glibc.close(socket) }
        socket = -1
    }

    func send(_ bytes: [UInt8]) throws {
        try #require(write(socket, bytes, bytes.count) == bytes.count)
    }

    func receive(_ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        try #require(Glibc.read(socket, &bytes, count) == count)
        return bytes
    }

    func read(_ consume: (String) -> Bool) throws -> BeatsConnection.Progress {
        try connection.read(scratch: &scratch, inflate: &inflate, now: 0) { bytes, range, _ in
            consume(bytes.text(range))
        }
    }

    func resume(_ consume: (String) -> Bool) throws -> BeatsConnection.Progress {
        try connection.resume(inflate: &inflate, now: 0) { bytes, range, _ in consume(bytes.text(range)) }
    }
}
