import Glibc

/// The service manager that started this process, and what it is told: the protocol of sd_notify(3).
///
/// Each message is one datagram of `NAME=value` lines to the socket that `NOTIFY_SOCKET` names. Nothing is answered, and
/// nothing here waits for longer than `patience`.
package final class ServiceManager: Sendable {
    /// What can be told.
    package enum Notice: Equatable, Sendable {
        /// Start-up is finished, or a reload is.
        case ready
        /// The configuration is read again; `ready` follows.
        ///
        /// - Parameter at: monotonic nanoseconds.
        case reloading(at: Int64)
        case stopping
        /// Free text for people, shown by `systemctl status`.
        case status(String)
        /// The process does its work; missing for too long, it is killed and started again.
        case watchdog

        /// The datagram's text.
        var text: String {
            switch self {
            case .ready: "READY=1"
            case .reloading(let moment): "RELOADING=1\nMONOTONIC_USEC=\(moment / 1000)"
            case .stopping: "STOPPING=1"
            case .status(let text): "STATUS=" + String(text.map { $0.isNewline ? " " : $0 })
            case .watchdog: "WATCHDOG=1"
            }
        }

        /// Whether the manager waits for it; the others come again.
        fileprivate var isAwaited: Bool {
            switch self {
            case .ready, .reloading, .stopping: true
            case .status, .watchdog: false
            }
        }
    }

    /// How long a notice that is awaited may wait for room in the manager's socket.
    private static let patience = timeval(tv_sec: 1, tv_usec: 0)

    /// How often `watchdog` is to be told: half of what the manager allows; nil when it does not watch this process.
    package let watchdogInterval: Duration?
    private let socket: Descriptor
    private let address: sockaddr_un
    private let length: socklen_t

    /// - Returns: nil when nobody wants to be told.
    package init?(
        environment: [String: String] = ConfigurationFile.environment,
        processID: Int32 = getpid()
    ) {
        guard let name = environment["NOTIFY_SOCKET"], !name.isEmpty else { return nil }
        guard let (address, length) = Self.address(name) else {
            Log.warning("NOTIFY_SOCKET is not understood, the service manager is not told", ["value": name])
            return nil
        }
        let kind = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue)
        do throws(Errno) {
            socket = try Descriptor(adopting: Glibc.socket(AF_UNIX, kind, 0))
        } catch {
            Log.warning("the service manager cannot be told", ["error": "\(error)"])
            return nil
        }
        var patience = Self.patience
        setsockopt(socket.raw, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        self.address = address
        self.length = length
        watchdogInterval = Self.watchdogInterval(environment, processID: processID)
    }

    /// Sends one notice.
    ///
    /// What cannot be sent is logged and not tried again.
    package func tell(_ notice: Notice) {
        let text = Array(notice.text.utf8)
        let flags = Int32(MSG_NOSIGNAL) | (notice.isAwaited ? 0 : Int32(MSG_DONTWAIT))
        let raw = socket.raw
        do throws(Errno) {
            try withUnsafePointer(to: address) { pointer throws(Errno) in
                try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer throws(Errno) in
                    _ = try Errno.check { sendto(raw, text, text.count, flags, pointer, length) }
                }
            }
        } catch {
            Log.limited(
                .warning,
                key: "service manager",
                "the service manager cannot be told",
                ["notice": notice.text, "error": "\(error)"]
            )
        }
    }

    /// The address of `/path` or of `@name`, which is in the abstract namespace (unix(7)).
    private static func address(_ name: String) -> (sockaddr_un, socklen_t)? {
        var bytes = Array(name.utf8)
        let isAbstract = bytes[0] == UInt8(ascii: "@")
        guard isAbstract || bytes[0] == UInt8(ascii: "/") else { return nil }
        var address = sockaddr_un()
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return nil }
        address.sun_family = sa_family_t(AF_UNIX)
        if isAbstract { bytes[0] = 0 }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        // An abstract name ends where the length says, any other with a NUL.
        let count = bytes.count + (isAbstract ? 0 : 1)
        return (address, socklen_t(MemoryLayout<sa_family_t>.size + count))
    }

    /// From `WATCHDOG_USEC`, unless `WATCHDOG_PID` names another process (sd_watchdog_enabled(3)).
    private static func watchdogInterval(_ environment: [String: String], processID: Int32) -> Duration? {
        guard let microseconds = environment["WATCHDOG_USEC"].flatMap({ Int64($0) }), microseconds > 1,
            microseconds < .max / 1000
        else { return nil }
        if let owner = environment["WATCHDOG_PID"], owner != String(processID) { return nil }
        return .nanoseconds(microseconds * 1000 / 2)
    }
}
