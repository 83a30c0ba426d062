/// The listening socket in the hands of the thread that accepts.
struct HTTPAcceptor: ~Copyable {
    /// After an error, which will most often be that there are too many descriptors.
    private static let pauseNanoseconds: Int64 = 100_000_000

    private let listener: Descriptor
    private var isWatched = false
    /// When to accept again after a failure, in monotonic nanoseconds; nil without one.
    private(set) var retriesAt: Int64?

    init(_ listener: consuming Descriptor) { self.listener = listener }

    /// Has the loop told of connections while there is room for them.
    mutating func watch(in events: inout EventLoop, isFull: Bool, now: Int64) {
        if let moment = retriesAt, now >= moment { retriesAt = nil }
        let isWanted = !isFull && retriesAt == nil
        guard isWanted != isWatched else { return }
        isWatched = isWanted
        guard isWanted else { return events.remove(listener.raw) }
        do throws(Errno) {
            try events.add(listener.raw, .read, token: HTTPServerLoop.Token.listener)
        } catch {
            fatalError("HTTP server: cannot watch the listening socket: \(error)")
        }
    }

    mutating func accept(now: Int64) -> Socket.Accepted? {
        do throws(Errno) {
            return try Socket.accept(on: listener)
        } catch {
            retriesAt = now + Self.pauseNanoseconds
            Log.limited(.warning, key: "http-accept", "cannot accept connections", ["error": "\(error)"])
            return nil
        }
    }

    mutating func close(in events: inout EventLoop) {
        if isWatched { events.remove(listener.raw) }
        isWatched = false
    }
}
