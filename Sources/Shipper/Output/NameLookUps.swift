import Common

/// Look-ups of hosts' names, each on a thread of its own.
struct NameLookUps {
    enum Resolution: Sendable {
        case addresses([Socket.Address])
        case failure(String)
    }

    private let resolve:
        @Sendable (LumberjackClient.Host) throws(Socket.ResolutionFailure) -> [Socket.Address]
    private let waker: Waker
    /// Those that have not ended, by host: one that outlives its time is not begun a second time.
    private var running: [String: BackgroundCall<Resolution>] = [:]

    /// - Parameter waker: woken when a look-up ends.
    init(
        _ resolve:
            @escaping @Sendable (LumberjackClient.Host) throws(Socket.ResolutionFailure) -> [Socket.Address],
        waker: Waker
    ) {
        self.resolve = resolve
        self.waker = waker
    }

    /// Begins the look-up of a host, unless it runs.
    ///
    /// - Returns: what is known at once: of a numeric address, or by an earlier look-up that came too late; else nil, and
    ///   `take` tells.
    /// - Throws: when the system has no thread to give.
    mutating func begin(_ host: LumberjackClient.Host) throws(Errno) -> Resolution? {
        if IPAddress(host.name) != nil { return Self.resolution(of: host, resolve) }
        // Where names are always slower than an attempt waits, this is the only way to connect.
        if case .addresses(let late)? = take(host) { return .addresses(late) }
        guard running[host.text] == nil else { return nil }
        let resolve = resolve
        running[host.text] = try BackgroundCall("dns", waker: waker) { Self.resolution(of: host, resolve) }
        return nil
    }

    /// What a look-up has found; nil while it runs.
    mutating func take(_ host: LumberjackClient.Host) -> Resolution? {
        guard let resolution = running[host.text]?.take() else { return nil }
        running[host.text] = nil
        return resolution
    }

    private static func resolution(
        of host: LumberjackClient.Host,
        _ resolve: @Sendable (LumberjackClient.Host) throws(Socket.ResolutionFailure) -> [Socket.Address]
    ) -> Resolution {
        do {
            return .addresses(try resolve(host))
        } catch {
            return .failure(error.description)
        }
    }
}
