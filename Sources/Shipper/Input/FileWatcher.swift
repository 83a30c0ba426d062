import Common
import Glibc

/// inotify(7): says which files grew and which names came and went.
struct FileWatcher: ~Copyable {
    typealias Watch = Int32

    struct Event {
        enum Kind: Equatable {
            /// A watched file has new content, a new length, or one name less.
            case changed
            /// A name appeared in a watched directory.
            case appeared
            /// A name in a watched directory was given to a file that had another name before.
            case movedIn(cookie: UInt32)
            case movedOut(cookie: UInt32)
            case disappeared
            /// A watched directory went away, or something in it that is a directory changed: look again.
            case directoryChanged
            /// The kernel forgot the watch.
            case watchEnded
            /// The kernel dropped events: look at everything again.
            case overflow
        }
        let watch: Watch
        let kind: Kind
        /// The name inside the directory; empty for files.
        let name: String
    }

    private static let fileMask = UInt32(IN_MODIFY | IN_ATTRIB)
    private static let directoryMask =
        UInt32(IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF)
        | UInt32(IN_ONLYDIR)

    /// The header and a name of NAME_MAX bytes with its NUL.
    private static let maxEventBytes = 16 + 256

    private let inotify: Descriptor
    private var buffer = [UInt8](repeating: 0, count: 16 * 1024)

    init() throws(Errno) {
        inotify = try Descriptor(adopting: inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC)))
    }

    var descriptor: Int32 { inotify.raw }

    /// Watches the file behind an open descriptor: exactly this one, whatever its name is by now.
    func watch(file: Int32) throws(Errno) -> Watch {
        let raw = inotify.raw
        let path = "/proc/self/fd/\(file)"
        return try Errno.check { inotify_add_watch(raw, path, Self.fileMask) }
    }

    func watch(directory path: String) throws(Errno) -> Watch {
        let raw = inotify.raw
        return try Errno.check { inotify_add_watch(raw, path, Self.directoryMask) }
    }

    func remove(_ watch: Watch) { _ = inotify_rm_watch(inotify.raw, watch) }

    /// The events that have arrived, in order, and whether there may be more.
    mutating func read() throws(Errno) -> (events: [Event], mayHaveMore: Bool) {
        let count: Int
        do {
            let raw = inotify.raw
            count = try Errno.check { Glibc.read(raw, &buffer, buffer.count) }
        } catch .wouldBlock {
            return ([], false)
        }
        let events = buffer.span.bytes.withUnsafeBytes {
            Self.events(in: UnsafeRawBufferPointer(rebasing: $0[..<count]))
        }
        // The kernel fills the buffer as far as whole events fit, and none is longer than this.
        return (events, count + Self.maxEventBytes > buffer.count)
    }

    /// Decodes `struct inotify_event`: watch i32, mask u32, cookie u32, length u32, then a name padded with NUL.
    static func events(in bytes: UnsafeRawBufferPointer) -> [Event] {
        var events: [Event] = []
        var offset = 0
        while offset + 16 <= bytes.count {
            let watch = bytes.loadUnaligned(fromByteOffset: offset, as: Int32.self)
            let mask = bytes.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self)
            let cookie = bytes.loadUnaligned(fromByteOffset: offset + 8, as: UInt32.self)
            let length = Int(bytes.loadUnaligned(fromByteOffset: offset + 12, as: UInt32.self))
            guard offset + 16 + length <= bytes.count else { break }
            let padded = bytes[offset + 16..<offset + 16 + length]
            let name = String(decoding: padded.prefix { $0 != 0 }, as: UTF8.self)
            events.append(Event(watch: watch, kind: kind(mask, cookie), name: name))
            offset += 16 + length
        }
        return events
    }

    private static func kind(_ mask: UInt32, _ cookie: UInt32) -> Event.Kind {
        func has(_ flag: Int) -> Bool { mask & UInt32(truncatingIfNeeded: flag) != 0 }
        if has(Int(IN_Q_OVERFLOW)) { return .overflow }
        if has(Int(IN_IGNORED)) { return .watchEnded }
        if has(Int(IN_ISDIR)) || has(Int(IN_DELETE_SELF)) || has(Int(IN_MOVE_SELF)) || has(Int(IN_UNMOUNT)) {
            return .directoryChanged
        }
        if has(Int(IN_MOVED_TO)) { return .movedIn(cookie: cookie) }
        if has(Int(IN_MOVED_FROM)) { return .movedOut(cookie: cookie) }
        if has(Int(IN_CREATE)) { return .appeared }
        if has(Int(IN_DELETE)) { return .disappeared }
        return .changed
    }
}
