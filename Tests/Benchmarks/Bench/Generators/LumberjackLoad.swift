import Common

/// Many Filebeats at once: windows of events as Beats write them, built and compressed before the clock starts,
/// two of them unacknowledged per connection.
struct LumberjackLoad {
    private static let pipelining = 2

    private let source: String
    private let port: Int
    private let count: Int
    private let connections: Int
    private let level: Int

    init(_ arguments: Arguments) throws(BenchError) {
        source = try arguments.text("source")
        port = try arguments.number("port")
        count = try arguments.number("count")
        connections = max(1, try arguments.number("connections", default: 4))
        level = try arguments.number("level", default: 3)
    }

    func run() throws {
        let lines = try CombinedLine.load(source)
        let share = count / connections
        let senders = try (0..<connections).map { index in
            try LumberjackSender(
                lines,
                index: index,
                events: index == 0 ? count - share * (connections - 1) : share,
                level: level
            )
        }
        let bytes = senders.reduce(0) { $0 + $1.byteCount }
        let started = Clock.monotonic
        let threads = try senders.map { try $0.start(port: port, pipelining: Self.pipelining) }
        for thread in threads { thread.join() }
        let seconds = Double(Clock.monotonic - started) / 1e9
        for sender in senders { try sender.check() }
        Console.report(
            "{\"event\":\"acked\",\"lines\":\(count),\"seconds\":\(seconds),\"wire_bytes\":\(bytes)}"
        )
    }
}
