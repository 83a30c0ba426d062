import Common
import Glibc

/// The data directory of one shipper: registry, its previous generation, the agent's id, and the lock.
struct RegistryStore: ~Copyable, Sendable {
    struct Failure: Error, CustomStringConvertible {
        let description: String
        /// Whether another process holds the directory.
        var isInUse = false
    }

    /// Above this a registry is not one of ours: a hundred times what `Registry` bounds allow.
    static let maxBytes = 1 << 30

    let directory: String
    /// The open lock file: closing it, also by a crash, gives the directory free.
    private let lock: Descriptor

    /// Makes the directory if it is missing and locks it for this process.
    init(directory: String) throws(Failure) {
        do {
            try Path.createDirectories(directory)
        } catch {
            throw Failure(description: "data_directory: \(error)")
        }
        let path = directory + "/shipper.lock"
        do {
            let file = try Descriptor.open(path, O_RDWR | O_CREAT)
            try AtomicFile.giveToOwner(of: directory, file)
            let raw = file.raw
            try Errno.check { flock(raw, LOCK_EX | LOCK_NB) }
            lock = file
        } catch .wouldBlock {
            throw Failure(
                description: "data_directory \(directory) is used by another running shipper: "
                    + "stop it, or give this one a data_directory of its own",
                isInUse: true
            )
        } catch {
            throw Failure(description: "data_directory: cannot lock \(path): \(error)")
        }
        self.directory = directory
    }

    /// The saved states.
    ///
    /// Damage is told loudly and never stops the start.
    func load() -> [FileState] {
        if let states = load("registry") { return states }
        if let states = load("registry.previous") {
            Log.warning(
                "the previous generation of the registry is used: lines of the last moments are sent again",
                ["path": directory + "/registry.previous"]
            )
            return states
        }
        return []
    }

    /// - Returns: nil when there is no such file or it is of no use.
    private func load(_ name: String) -> [FileState]? {
        let path = directory + "/" + name
        let bytes: [UInt8]
        do {
            bytes = try AtomicFile.read(path, limit: Self.maxBytes)
        } catch {
            if error.cause != .notFound {
                Log.error("registry cannot be read", ["path": path, "error": "\(error)"])
            }
            return nil
        }
        do {
            return try RegistryFile.decode(bytes.span.bytes)
        } catch {
            Log.error(
                "registry is damaged; it is put aside and files may be sent again",
                ["path": path, "reason": "\(error)", "aside": path + ".damaged"]
            )
            if rename(path, path + ".damaged") != 0 {
                Log.warning("cannot put the damaged registry aside", ["error": "\(Errno.current)"])
            }
            return nil
        }
    }

    /// Writes a snapshot: a crash at any moment leaves this one or the one before.
    ///
    /// Blocks for the disk.
    static func save(_ snapshot: borrowing ByteBuffer, in directory: String) throws(AtomicFile.Failure) {
        try snapshot.withUnsafeBytes { bytes throws(AtomicFile.Failure) in
            try AtomicFile.write(
                bytes,
                to: directory + "/registry",
                keepingPrevious: directory + "/registry.previous"
            )
        }
    }

    /// The agent's id: made once per data directory.
    func agentID() -> String {
        let path = directory + "/agent.id"
        do {
            let text = String(decoding: try AtomicFile.read(path, limit: 1024), as: UTF8.self)
            let id = String(text.prefix { $0 != "\n" })
            if UUIDText.isValid(id) { return id }
            Log.warning("agent.id is damaged, a new one is made", ["path": path])
        } catch {
            if error.cause != .notFound { Log.warning("agent.id cannot be read", ["error": "\(error)"]) }
        }
        let id = UUIDText.random()
        do {
            let line = Array((id + "\n").utf8)
            try line.span.bytes.withUnsafeBytes { bytes throws(AtomicFile.Failure) in
                try AtomicFile.write(bytes, to: path)
            }
        } catch {
            Log.warning("agent.id cannot be saved: the next start makes another", ["error": "\(error)"])
        }
        return id
    }
}

/// Version 4 UUIDs as text (RFC 9562, section 5.4).
enum UUIDText {
    static func random() -> String {
        var low = UInt64.random(in: .min ... .max)
        var high = UInt64.random(in: .min ... .max)
        high = high & ~0xF000 | 0x4000
        low = low & ~(0xC000 << 48) | 0x8000 << 48
        var digits = ByteBuffer(capacity: 32)
        digits.append(hexadecimal: high)
        digits.append(hexadecimal: low)
        var text = ByteBuffer(capacity: 36)
        for index in 0..<32 {
            if [8, 12, 16, 20].contains(index) { text.append(UInt8(ascii: "-")) }
            text.append(digits[index])
        }
        return text.text
    }

    static func isValid(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard bytes.count == 36 else { return false }
        return bytes.indices.allSatisfy { index in
            [8, 13, 18, 23].contains(index)
                ? bytes[index] == UInt8(ascii: "-") : Hexadecimal.value(bytes[index]) != nil
        }
    }
}
