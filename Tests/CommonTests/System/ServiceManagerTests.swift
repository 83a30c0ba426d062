import Common
import Glibc
import Testing

@Suite("Service manager")
struct ServiceManagerTests {
    /// The manager's end of the socket, at a path or, with `@`, in the abstract namespace.
    private struct Ear: ~Copyable {
        private let socket: Descriptor

        init(_ name: String) throws {
            let made = try Descriptor(adopting: Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0))
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            var bytes = Array(name.utf8)
            if name.hasPrefix("@") { bytes[0] = 0 }
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
            let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
            let raw = made.raw
            try withUnsafePointer(to: &address) { pointer in
                try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                    _ = try Errno.check { bind(raw, pointer, length) }
                }
            }
            socket = made
        }

        /// The next datagram; nil when there is none.
        func next() -> String? {
            var bytes = [UInt8](repeating: 0, count: 4096)
            let count = recv(socket.raw, &bytes, bytes.count, Int32(MSG_DONTWAIT))
            return count < 0 ? nil : String(decoding: bytes[..<count], as: UTF8.self)
        }
    }

    @Test("is told over a socket with a path and over an abstract one", arguments: [false, true])
    func notices(isAbstract: Bool) throws {
        let folder = try TemporaryFolder()
        let name = isAbstract ? "@elkfa-\(folder.path.suffix(36))" : folder.path + "/notify"
        let ear = try Ear(name)
        let manager = try #require(ServiceManager(environment: ["NOTIFY_SOCKET": name]))
        let rows: [(ServiceManager.Notice, String)] = [
            (.ready, "READY=1"),
            (.reloading(at: 1_234_567_890), "RELOADING=1\nMONOTONIC_USEC=1234567"),
            (.status("two lines\nin one"), "STATUS=two lines in one"),
            (.watchdog, "WATCHDOG=1"),
            (.stopping, "STOPPING=1"),
        ]
        for (notice, text) in rows {
            manager.tell(notice)
            #expect(ear.next() == text)
        }
        #expect(ear.next() == nil)
    }

    @Test("a manager that does not read holds nobody up")
    func deaf() throws {
        let folder = try TemporaryFolder()
        let ear = try Ear(folder.path + "/notify")
        let manager = try #require(ServiceManager(environment: ["NOTIFY_SOCKET": folder.path + "/notify"]))
        let start = Clock.monotonic
        for _ in 0..<5000 { manager.tell(.watchdog) }
        #expect(Clock.monotonic - start < 5_000_000_000)
        // What found room is there, and the socket is of use again when that is read.
        while let text = ear.next() { #expect(text == "WATCHDOG=1") }
        manager.tell(.ready)
        #expect(ear.next() == "READY=1")
    }

    @Test(
        "is not there when nobody wants to be told, or nobody could be",
        arguments: [
            [:], ["NOTIFY_SOCKET": ""], ["NOTIFY_SOCKET": "relative"], ["NOTIFY_SOCKET": "vsock:2:1234"],
            ["NOTIFY_SOCKET": "/" + String(repeating: "x", count: 200)],
        ] as [[String: String]]
    )
    func absent(environment: [String: String]) {
        #expect(ServiceManager(environment: environment) == nil)
    }

    @Test(
        "watches with half of the interval, and only the process that is meant",
        arguments: [
            ([:], nil),
            (["WATCHDOG_USEC": "3000000"], .milliseconds(1500)),
            (["WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "42"], .milliseconds(1500)),
            (["WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "43"], nil),
            (["WATCHDOG_USEC": "0"], nil),
            (["WATCHDOG_USEC": "-5"], nil),
            (["WATCHDOG_USEC": "soon"], nil),
            (["WATCHDOG_USEC": "9223372036854775807"], nil),
        ] as [([String: String], Duration?)]
    )
    func watchdog(environment: [String: String], expected: Duration?) throws {
        let socket = ["NOTIFY_SOCKET": "@elkfa-nobody"]
        let manager = try #require(
            ServiceManager(environment: environment.merging(socket) { $1 }, processID: 42)
        )
        #expect(manager.watchdogInterval == expected)
    }
}
