import Common
import Synchronization

/// Many agents at once: each sends one intake request after the other on a connection of its own and waits for 202.
struct IntakeLoad {
    private let folder: String
    private let port: Int
    private let events: Int
    private let connections: Int
    private let isCompressed: Bool

    init(_ arguments: Arguments) throws(BenchError) {
        folder = try arguments.text("folder")
        port = try arguments.number("port")
        events = try arguments.number("count")
        connections = max(1, try arguments.number("connections", default: 16))
        isCompressed = try arguments.number("gzip", default: 1) == 1
    }

    func run() throws {
        let payload = try IntakePayload(folder: folder)
        let agents = IntakeAgents(
            payload,
            requests: events / IntakePayload.eventsPerRequest,
            isCompressed: isCompressed,
            port: port
        )
        let started = Clock.monotonic
        let threads = try (0..<connections).map { _ in
            try Thread("agent", stackBytes: 128 << 10) { agents.run() }
        }
        for thread in threads { thread.join() }
        let seconds = Double(Clock.monotonic - started) / 1e9
        Console.report(try agents.report(seconds: seconds))
    }
}
