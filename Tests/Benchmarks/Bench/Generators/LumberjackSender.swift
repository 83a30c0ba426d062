import Common
import Synchronization

/// One connection's windows.
final class LumberjackSender: Sendable {
    /// As Filebeat's `bulk_max_size`.
    private static let windowEvents = 2048

    private struct Window {
        let bytes: [UInt8]
        let events: Int
    }

    private let windows: [Window]
    private let failure = Mutex<String?>(nil)

    init(_ lines: [CombinedLine], index: Int, events: Int, level: Int) throws {
        var mixer = LineMixer(lines, count: events, seed: UInt64(index + 1))
        let now = Clock.now
        var encoder = LumberjackEncoder()
        let compressor = DeflateCompressor(level: level)
        var sealed = ByteBuffer()
        var line = ByteBuffer()
        var windows: [Window] = []
        var offset = 0
        for number in 0..<events {
            line.removeAll()
            let age = Int64(events - number) * 1_000_000
            mixer.append(to: &line, at: CalendarTime(nanoseconds: now.nanoseconds - age))
            encoder.beginEvent()
            Self.append(line, offset: offset, connection: index, to: &encoder.buffer)
            encoder.endEvent()
            offset += line.count + 1
            guard encoder.count == Self.windowEvents || number == events - 1 else { continue }
            let count = encoder.count
            if level == 0 {
                encoder.finish(into: &sealed)
            } else {
                encoder.finish(into: &sealed, compressor: compressor)
            }
            windows.append(Window(bytes: sealed.array, events: count))
        }
        self.windows = windows
    }

    var byteCount: Int { windows.reduce(0) { $0 + $1.bytes.count } }

    /// Sends and waits on a thread of its own.
    func start(port: Int, pipelining: Int) throws(Errno) -> Thread {
        try Thread("sender") { [self] in
            do {
                try send(to: port, pipelining: pipelining)
            } catch {
                failure.withLock { $0 = "\(error)" }
            }
        }
    }

    /// Throws what ended the thread too early.
    func check() throws(BenchError) {
        if let failure = failure.withLock({ $0 }) { throw BenchError(failure) }
    }

    /// Sends every window and waits for every ack.
    private func send(to port: Int, pipelining: Int) throws {
        let stream = try Stream(connectingTo: port)
        var acks = LumberjackAckReader()
        var received = ByteBuffer()
        var outgoing = ByteBuffer()
        var acknowledged = 0
        for (number, window) in windows.enumerated() {
            outgoing.removeAll()
            outgoing.append(window.bytes)
            try stream.write(outgoing)
            while number - acknowledged >= pipelining - 1 {
                acknowledged += try readAcks(stream, &acks, &received, from: acknowledged)
            }
        }
        while acknowledged < windows.count {
            acknowledged += try readAcks(stream, &acks, &received, from: acknowledged)
        }
    }

    /// - Returns: how many windows the next bytes finish.
    private func readAcks(
        _ stream: Stream,
        _ acks: inout LumberjackAckReader,
        _ received: inout ByteBuffer,
        from first: Int
    ) throws -> Int {
        received.removeAll()
        guard try stream.read(into: &received, atMost: 4096) > 0 else {
            throw BenchError(
                "ingest closed the connection with \(windows.count - first) windows unacknowledged"
            )
        }
        var finished = 0
        try received.withSpan { bytes in
            var offset = 0
            while let sequence = try acks.next(in: bytes, at: &offset) {
                guard sequence > 0 else { continue }
                guard first + finished < windows.count else { throw BenchError("an ack for nothing") }
                let events = windows[first + finished].events
                guard Int(sequence) <= events else { throw BenchError("ack \(sequence) of \(events)") }
                if Int(sequence) == events { finished += 1 }
            }
        }
        return finished
    }

    /// Appends an event as Filebeat 8.1.3 sends it, here with a fixed order of keys.
    private static func append(
        _ line: borrowing ByteBuffer,
        offset: Int,
        connection: Int,
        to buffer: inout ByteBuffer
    ) {
        buffer.append(#"{"@timestamp":""# as StaticString)
        // The lines are of now too: a time of reading far from theirs would be a fault, which costs more.
        buffer.append(iso8601: CalendarTime(nanoseconds: Clock.now.nanoseconds / 1_000_000 * 1_000_000))
        buffer.append(
            #"","@metadata":{"beat":"filebeat","type":"_doc","version":"8.1.3"},"# as StaticString
        )
        buffer.append(#""message":""# as StaticString)
        line.withSpan { buffer.append(jsonEscaped: $0, 0..<$0.byteCount) }
        buffer.append(
            "\",\"log\":{\"offset\":\(offset),\"file\":{\"path\":\"/var/log/nginx/access-\(connection).log\"}}"
        )
        buffer.append(
            #","input":{"type":"filestream"},"agent":{"type":"filebeat","version":"8.1.3","# as StaticString
        )
        buffer.append(
            #""ephemeral_id":"5b2d4a0c-8f4e-4d8e-9a55-0b8d1f6f2c11","id":"0d6c7c1e-1f9a-4b6e-8c0a-3f5d2e7a9b40","#
                as StaticString
        )
        buffer.append(
            #""name":"web-1"},"host":{"name":"web-1"},"ecs":{"version":"8.0.0"},"event":{"dataset":"nginx.access","#
                as StaticString
        )
        buffer.append(#""module":"nginx","timezone":"+00:00"},"fields":{"app":"shop"}}"# as StaticString)
    }
}
