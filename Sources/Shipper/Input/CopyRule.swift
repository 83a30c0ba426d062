import Glibc

/// Whether a file that appeared beside a known one is a copy of it (logrotate's `copytruncate`, `cp`).
///
/// Pure. Only names that rotation makes count, because two logs of different origin may well begin with the same
/// lines (one health check at the same second in two access logs), and taking one for the other would lose lines.
enum CopyRule {
    /// A match of fewer bytes than this proves nothing while the original is untouched: a banner line, a header.
    static let minEvidenceBytes: Int64 = 256

    enum Verdict: Equatable {
        /// A file of its own, to be read from its beginning.
        case unrelated
        /// May be a copy that is still being written, or whose original is about to be truncated: ask again.
        case wait
        /// The bytes before `offset` are known already; the rest is not.
        case copy(offset: Int64)
    }

    /// Whether rotation could have made the name `copy` from `original`, in the same directory.
    ///
    /// `app.log` → `app.log.1`, `app.log-20261122`, `app-20261122.log`, `app.1.log`, and each compressed: `app.1.log.gz`.
    /// Asked for each new file about each one followed: allocates nothing.
    static func isRotated(_ copy: String, of original: String) -> Bool {
        var copy = copy
        var original = original
        return copy.withUTF8 { copy in
            original.withUTF8 { original in
                let start = nameStart(copy)
                guard let copyBase = copy.baseAddress, let originalBase = original.baseAddress,
                    start == nameStart(original), memcmp(copyBase, originalBase, start) == 0
                else { return false }
                let name = copy[start...]
                if isRotatedName(name, of: original[start...]) { return true }
                return name.ends(with: ".gz") && isRotatedName(name.dropLast(3), of: original[start...])
            }
        }
    }

    private typealias Name = Slice<UnsafeBufferPointer<UInt8>>

    /// Where the name begins, behind the directory and its slash.
    private static func nameStart(_ path: UnsafeBufferPointer<UInt8>) -> Int {
        (path.lastIndex(of: UInt8(ascii: "/")) ?? -1) + 1
    }

    private static func isRotatedName(_ copy: Name, of original: Name) -> Bool {
        guard copy.count > original.count else { return false }
        if copy.starts(with: original) { return isSeparator(copy.dropFirst(original.count).first) }
        guard let dot = original.lastIndex(of: UInt8(ascii: ".")), dot != original.startIndex else {
            return false
        }
        let stem = original[..<dot]
        let suffix = original[dot...]
        guard copy.starts(with: stem), copy.ends(with: suffix) else { return false }
        let middle = copy.dropFirst(stem.count).dropLast(suffix.count)
        guard isSeparator(middle.first), let digit = middle.dropFirst().first else { return false }
        return digit &- 48 < 10
    }

    /// Judges a candidate beside an original that was not truncated.
    ///
    /// - Parameter size: of the candidate.
    /// - Parameter read: how far the original was read.
    /// - Parameter headMatches: whether the first bytes of both, as many as both have, are the same.
    /// - Parameter contentMatches: whether both are the same up to `min(size, read)`, by fingerprint.
    /// - Parameter isSettled: whether the candidate did not grow, and the original was not truncated, for a while.
    static func besideLive(
        size: Int64,
        read: Int64,
        headMatches: Bool,
        contentMatches: Bool,
        isSettled: Bool
    ) -> Verdict {
        guard headMatches else { return .unrelated }
        guard isSettled else { return .wait }
        let common = min(size, read)
        guard contentMatches, common >= minEvidenceBytes else { return .unrelated }
        // What is in both and not yet read will come from the original, as long as that is whole.
        return size > read ? .wait : .copy(offset: size)
    }

    /// Judges a candidate beside an original that was truncated at `offset`, or is gone.
    static func besideEnded(size: Int64, offset: Int64, contentMatches: Bool) -> Verdict {
        guard offset > 0, size >= offset, contentMatches else { return .unrelated }
        return .copy(offset: offset)
    }

    private static func isSeparator(_ byte: UInt8?) -> Bool {
        byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
    }
}

extension Slice where Base == UnsafeBufferPointer<UInt8> {
    fileprivate func ends(with text: StaticString) -> Bool {
        text.withUTF8Buffer { ends(with: $0[...]) }
    }

    fileprivate func ends(with suffix: Self) -> Bool {
        count >= suffix.count && self.suffix(suffix.count).elementsEqual(suffix)
    }
}
