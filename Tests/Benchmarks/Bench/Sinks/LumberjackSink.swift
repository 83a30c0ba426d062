import Common
import Glibc
import Synchronization

/// A Lumberjack server that stores nothing and checks everything: each window's sequence numbers, each event's
/// offset (so that losses and doubles are seen), and the bytes of all messages together.
final class LumberjackSink: Sendable {
    private struct State {
        /// One bit per byte of the file: whether a line that starts there has arrived.
        var seen: [UInt64]
        var events = 0
        var distinct = 0
        var broken = 0
        var messageBytes = 0
        var wireBytes = 0
        var windows = 0
        var connections = 0
        var latencies = Latencies()
        var started: Int64 = 0
        var completed: Int64 = 0
    }

    /// What one window held.
    private struct Window {
        var offsets: [Int] = []
        var messageBytes = 0
        var broken = 0
        var ages: [Int64] = []
        var lastSequence: UInt32 = 0
    }

    private let expected: Int
    private let port: Int
    /// Lines of many files: told apart by the number that they begin with, not by their offset.
    private let isNumbered: Bool
    private let state: Mutex<State>

    init(_ arguments: Arguments) throws(BenchError) {
        expected = try arguments.number("expect")
        port = try arguments.number("port", default: 0)
        isNumbered = try arguments.number("numbered", default: 0) == 1
        let fileBytes = try arguments.number("bytes", default: 1 << 31)
        state = Mutex(State(seen: Array(repeating: 0, count: fileBytes / 64 + 1)))
    }

    func run() throws {
        try Server.run(port: port, report: { json("end") }) { [self] in try serve($0) }
    }

    private func serve(_ stream: Stream) throws {
        let now = Clock.monotonic
        state.withLock { state in
            state.connections += 1
            if state.started == 0 { state.started = now }
        }
        var decoder = LumberjackDecoder()
        var received = ByteBuffer(capacity: 1 << 19)
        var ack = ByteBuffer()
        var window = Window()
        while true {
            let count = try stream.read(into: &received)
            guard count > 0 else { return }
            state.withLock { $0.wireBytes += count }
            var offset = 0
            let arrived = Clock.monotonic
            try received.withSpan { bytes in
                while true {
                    switch try decoder.next(in: bytes, at: &offset) {
                    case .needsMore: return
                    case .windowStarted: window = Window()
                    case .event(let event):
                        decoder.withBytes(of: event, in: bytes) { bytes, range in
                            inspect(bytes, range, sequence: event.sequence, now: arrived, &window)
                        }
                    case .windowComplete(let sequence, _):
                        record(window)
                        ack.append(lumberjackAck: sequence)
                    }
                }
            }
            received.removeFirst(offset)
            if !ack.isEmpty {
                try stream.write(ack)
                ack.removeAll()
            }
        }
    }

    private func inspect(
        _ bytes: RawSpan,
        _ range: Range<Int>,
        sequence: UInt32,
        now: Int64,
        _ window: inout Window
    ) {
        let offsetName: StaticString = "\"offset\":"
        let messageName: StaticString = "\"message\":\""
        guard sequence == window.lastSequence + 1,
            let name = bytes.firstIndex(of: messageName, in: range),
            let message = bytes.jsonString(from: name + messageName.utf8CodeUnitCount, in: range),
            let offsetStart = bytes.firstIndex(of: offsetName, in: range).map({
                $0 + offsetName.utf8CodeUnitCount
            })
        else {
            window.broken += 1
            return
        }
        window.lastSequence = sequence
        let numberStart = isNumbered ? name + messageName.utf8CodeUnitCount : offsetStart
        var end = numberStart
        while end < range.upperBound, (0x30...0x39).contains(bytes[end]) { end += 1 }
        guard let offset = Decimal.integer(bytes, numberStart..<end) else {
            window.broken += 1
            return
        }
        window.offsets.append(Int(offset))
        window.messageBytes += message.unescapedBytes
        if let age = LatencyMarker.age(in: bytes, name..<message.end, now: now) { window.ages.append(age) }
    }

    private func record(_ window: Window) {
        let now = Clock.monotonic
        let isComplete = state.withLock { state in
            state.windows += 1
            state.events += window.offsets.count
            state.broken += window.broken
            state.messageBytes += window.messageBytes
            for age in window.ages { state.latencies.add(age) }
            for offset in window.offsets {
                guard offset / 64 < state.seen.count else {
                    state.broken += 1
                    continue
                }
                let bit: UInt64 = 1 << UInt64(offset % 64)
                if state.seen[offset / 64] & bit == 0 { state.distinct += 1 }
                state.seen[offset / 64] |= bit
            }
            guard state.distinct >= expected, state.completed == 0 else { return false }
            state.completed = now
            return true
        }
        if isComplete { Console.report(json("complete")) }
    }

    private func json(_ event: String) -> String {
        state.withLock { state in
            "{\"event\":\"\(event)\",\"events\":\(state.events),\"distinct\":\(state.distinct)"
                + ",\"broken\":\(state.broken),\"message_bytes\":\(state.messageBytes)"
                + ",\"wire_bytes\":\(state.wireBytes),\"windows\":\(state.windows)"
                + ",\"connections\":\(state.connections),\"started\":\(state.started)"
                + ",\"completed\":\(state.completed)\(state.latencies.json)}"
        }
    }
}
