import Common
import Glibc

/// A listener on a port of loopback, with one thread per connection.
struct Server {
    /// Serves until SIGTERM or SIGINT, then answers `report` on standard output.
    ///
    /// - Parameters:
    ///   - port: 0 for any that is free.
    ///   - serve: owns its connection; an error it throws is printed and ends that connection.
    static func run(
        port: Int = 0,
        report: () -> String,
        serve: @escaping @Sendable (Stream) throws -> Void
    ) throws {
        let signals = try Signals.receive([SIGTERM, SIGINT])
        guard let address = try Socket.resolve("127.0.0.1", port: port, passive: true).first else {
            throw BenchError("127.0.0.1 has no address")
        }
        let listener = try Socket.listen(on: address)
        Console.report("{\"event\":\"listening\",\"port\":\(try Socket.localAddress(of: listener.raw).port)}")
        while true {
            var polls = [
                pollfd(fd: signals.raw, events: Int16(POLLIN), revents: 0),
                pollfd(fd: listener.raw, events: Int16(POLLIN), revents: 0),
            ]
            _ = poll(&polls, 2, -1)
            if Signals.next(from: signals) != nil { break }
            guard let accepted = try Socket.accept(on: listener) else { continue }
            let raw = accepted.take().release()
            _ = try Thread("connection") {
                do {
                    try serve(Stream(try Descriptor(adopting: raw)))
                } catch {
                    Console.complain("connection ends: \(error)")
                }
            }
        }
        Console.report(report())
    }
}
