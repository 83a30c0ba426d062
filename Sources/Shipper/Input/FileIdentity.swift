import CLinux
import Common
import Glibc

/// What the file system says which file this is: device, inode, and the moment the inode was born.
///
/// Inodes are used again after a deletion; the birth time tells two users of one inode apart. It is 0 where the
/// file system does not keep one, and then only the content can tell (`Fingerprint`).
struct FileKey: Hashable, Sendable {
    let device: UInt64
    let inode: UInt64
    /// Nanoseconds since 1970; 0 when unknown.
    let birth: Int64
}

/// One statx(2) of a file.
struct FileStatus: Equatable, Sendable {
    enum Kind: Equatable, Sendable { case regular, directory, link, other }

    let key: FileKey
    let kind: Kind
    let size: Int64
    /// When the content was last changed, in seconds since 1970.
    let modified: Int64

    /// The status of `path`: of what a symbolic link leads to, or of the link itself.
    init(path: String, followsLinks: Bool = true) throws(Errno) {
        var status = file_status()
        try Errno.check { file_status_at(AT_FDCWD, path, followsLinks ? 1 : 0, &status) }
        self.init(status)
    }

    /// The status of an open file.
    init(descriptor: borrowing Descriptor) throws(Errno) {
        var status = file_status()
        let raw = descriptor.raw
        try Errno.check { file_status_at(raw, "", 0, &status) }
        self.init(status)
    }

    /// What a compressed file would be as a plain one.
    init(key: FileKey, size: Int64, modified: Int64) {
        self.key = key
        self.size = size
        self.modified = modified
        kind = .regular
    }

    private init(_ status: file_status) {
        let birth =
            status.has_birth == 0 ? 0 : status.birth_seconds * 1_000_000_000 + Int64(status.birth_nanoseconds)
        key = FileKey(
            device: UInt64(status.device_major) << 32 | UInt64(status.device_minor),
            inode: status.inode,
            birth: birth
        )
        switch mode_t(status.mode) & S_IFMT {
        case S_IFREG: kind = .regular
        case S_IFDIR: kind = .directory
        case S_IFLNK: kind = .link
        default: kind = .other
        }
        size = Int64(status.size_bytes)
        modified = status.modified_seconds
    }
}

/// The name under which events of one life of a file are known: deterministic, so that lines sent again after a
/// crash are recognised as the same.
struct IdentityToken: Equatable, Sendable {
    let value: UInt64
    /// How many bytes of the file's beginning it is made from.
    ///
    /// nil where a registry of version 1 did not say: the first line without its end.
    let bytes: Int?

    /// The first line counts with at most this many bytes.
    static let firstLineBytes = 1024

    private static let hash = SipHash(key: 0x6c6f_672e_6669_6c65, 0x6964_656e_7469_7479)

    /// The token of a life whose content an open file holds: the file itself, or a copy of it.
    ///
    /// - Parameter length: bytes that count; nil for those of the first line, as far as it is there.
    static func token(
        _ key: FileKey,
        generation: UInt32,
        raw file: Int32,
        bytes length: Int? = nil
    ) throws(Errno) -> IdentityToken {
        var first = ByteBuffer(capacity: firstLineBytes)
        try first.append(raw: file, 0, min(length ?? firstLineBytes, firstLineBytes))
        return first.withSpan { bytes in
            let line = bytes.firstIndex(of: UInt8(ascii: "\n"), in: 0..<bytes.byteCount)
            let end = length == nil ? line ?? bytes.byteCount : bytes.byteCount
            let value = token(key, generation: generation, firstLine: bytes, 0..<end)
            return IdentityToken(value: value, bytes: end)
        }
    }

    /// - Parameter generation: how often the same file was truncated before.
    /// - Parameter firstLine: the file's first line, or its first 1024 bytes if that is longer.
    static func token(
        _ key: FileKey,
        generation: UInt32,
        firstLine: RawSpan,
        _ range: Range<Int>
    ) -> UInt64 {
        let end = min(range.upperBound, range.lowerBound + firstLineBytes)
        let content = hash.hash(firstLine, range.lowerBound..<end)
        var buffer = ByteBuffer(capacity: 64)
        for word in [
            key.device, key.inode, UInt64(bitPattern: key.birth), UInt64(generation), content.low,
            content.high,
        ] {
            buffer.append(decimal: Int64(bitPattern: word))
            buffer.append(UInt8(ascii: " "))
        }
        return buffer.withSpan { hash.hash($0, 0..<$0.byteCount).low }
    }
}
