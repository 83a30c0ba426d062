import Common

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
    static func isRotated(_ copy: String, of original: String) -> Bool {
        if copy.hasSuffix(".gz"), isRotated(String(copy.dropLast(3)), of: original) { return true }
        guard Path.directory(of: copy) == Path.directory(of: original) else { return false }
        let copy = Path.name(of: copy)
        let original = Path.name(of: original)
        guard copy != original else { return false }
        if copy.hasPrefix(original) { return isSeparator(copy.utf8.dropFirst(original.utf8.count).first) }
        guard let dot = original.utf8.lastIndex(of: UInt8(ascii: ".")), dot != original.startIndex else {
            return false
        }
        let stem = original[..<dot]
        let suffix = original[dot...]
        guard copy.hasPrefix(stem), copy.hasSuffix(suffix) else { return false }
        let middle = copy.utf8.dropFirst(stem.utf8.count).dropLast(suffix.utf8.count)
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
