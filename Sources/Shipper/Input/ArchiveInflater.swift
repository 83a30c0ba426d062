import Common
import Glibc
import Synchronization

/// Inflates a gzip file into another file, on a thread that may take its time.
///
/// Members that follow one another are one content, as for gunzip; what follows the last is left alone.
final class ArchiveInflater: Sendable {
    enum Failure: Error, Equatable, CustomStringConvertible {
        /// The file ends early, its content or its checksum is wrong, or it inflates to too much.
        case content(DeflateError)
        case read(Errno)
        /// The disk takes no more, or should not.
        case write(Errno)
        case stopped

        var description: String {
            switch self {
            case .content(let error): error.description
            case .read(let error): "cannot read it: \(error)"
            case .write(let error): "cannot write what it inflates to: \(error)"
            case .stopped: "shipper ends"
            }
        }
    }

    struct Result: Sendable {
        /// What was inflated before the end or the failure.
        var bytes: Int64 = 0
        var failure: Failure?
    }

    private static let inputBytes = 64 * 1024
    private static let outputBytes = 256 * 1024
    /// A few hundred bytes can inflate to anything; more than this is no log.
    private static let maxInflatedBytes = 64 << 30
    /// Above what deflate can do: repetitive logs come near.
    private static let maxRatio = 2000
    /// One part in so many of the disk stays free for others, which is looked at every few bytes.
    private static let freeShare: UInt = 20
    private static let freeCheckBytes: Int64 = 16 << 20

    private let isStopped = Mutex(false)

    /// Makes a running `inflate` end soon.
    func stop() { isStopped.withLock { $0 = true } }

    /// Inflates an open file, which it closes, into a new one at `path`.
    func inflate(_ raw: Int32, to path: String) -> Result {
        var result = Result()
        do throws(Failure) {
            var source = try Source(raw)
            let output = try Output(path)
            repeat { try inflateMember(&source, output, &result.bytes) } while try source.hasMember
        } catch {
            result.failure = error
        }
        return result
    }

    private func inflateMember(
        _ source: inout Source,
        _ output: borrowing Output,
        _ written: inout Int64
    ) throws(Failure) {
        let limits = InflateLimits(maxBytes: Self.maxInflatedBytes, maxRatio: Self.maxRatio)
        var inflater = ZlibInflater(limits: limits)
        var content = ByteBuffer(capacity: Self.outputBytes)
        var isFinished = false
        while !isFinished {
            if isStopped.withLock({ $0 }) { throw .stopped }
            try source.fill()
            guard !source.isAtEnd else { throw .content(.corrupt) }
            content.removeAll()
            var failure: DeflateError?
            do {
                isFinished = try source.inflate(by: &inflater, into: &content, maxOutput: Self.outputBytes)
            } catch {
                failure = error
            }
            // What came out before the damage is good.
            try output.write(content, checkingSpace: written % Self.freeCheckBytes < Int64(content.count))
            written += Int64(content.count)
            if let failure { throw .content(failure) }
        }
    }

    /// The compressed bytes, piece by piece.
    private struct Source: ~Copyable {
        private let file: Descriptor
        private var bytes = ByteBuffer(capacity: inputBytes)
        private var offset = 0
        private var position: Int64 = 0

        init(_ raw: Int32) throws(Failure) {
            do { file = try Descriptor(adopting: raw) } catch { throw .read(error) }
        }

        /// Whether all bytes of the file are taken.
        var isAtEnd: Bool { offset == bytes.count }

        /// Reads on when nothing is left of what was read.
        mutating func fill() throws(Failure) {
            guard isAtEnd else { return }
            bytes.removeAll()
            offset = 0
            do { try bytes.append(raw: file.raw, position, inputBytes) } catch { throw .read(error) }
            position += Int64(bytes.count)
        }

        /// - Returns: whether the member has ended.
        mutating func inflate(by inflater: inout ZlibInflater, into content: inout ByteBuffer, maxOutput: Int)
            throws(DeflateError) -> Bool
        {
            var next = offset
            defer { offset = next }
            return try bytes.withSpan { bytes throws(DeflateError) in
                try inflater.inflate(bytes, at: &next, into: &content, maxOutput: maxOutput) == .finished
            }
        }

        /// Whether another member begins here.
        var hasMember: Bool {
            mutating get throws(Failure) {
                position -= Int64(bytes.count - offset)
                offset = bytes.count
                try fill()
                return bytes.count > 1 && bytes[0] == 0x1F && bytes[1] == 0x8B
            }
        }
    }

    /// The file that is made.
    private struct Output: ~Copyable {
        private let file: Descriptor

        init(_ path: String) throws(Failure) {
            do { file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC) } catch {
                throw .write(error)
            }
        }

        /// - Parameter checkingSpace: refuses when the disk is nearly full.
        func write(_ content: borrowing ByteBuffer, checkingSpace: Bool) throws(Failure) {
            do {
                if checkingSpace { try checkFreeSpace() }
                try content.withUnsafeBytes { bytes throws(Errno) in try file.writeAll(bytes) }
            } catch {
                throw .write(error)
            }
        }

        private func checkFreeSpace() throws(Errno) {
            var status = statvfs()
            let raw = file.raw
            try Errno.check { fstatvfs(raw, &status) }
            guard status.f_bavail > status.f_blocks / freeShare else { throw Errno(ENOSPC) }
        }
    }
}
