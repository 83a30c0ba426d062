import Common

/// One life of a file: which file it is, and how far the receiver has stored it.
///
/// A truncation ends a life and begins the next of the same file, with a higher generation; the ended one is kept
/// for a while, because a copy of its content may still turn up (copytruncate).
final class FileState {
    let key: FileKey
    /// How often this file was truncated before this life.
    let generation: UInt32
    /// The path under which the file was first found; it stays when the file is renamed, so that a line sent
    /// again is the same document.
    let path: String
    /// What `log.file.identity` says; nil until the first line is complete.
    var token: IdentityToken?
    /// Everything before is stored by the receiver.
    private(set) var offset: Int64
    /// The content before `offset`.
    private(set) var fingerprint: Fingerprint
    /// When the file was last seen in its directory, in seconds since 1970.
    var lastSeen: Int64
    /// How far an ended life was read, which is further than what is stored while acks are outstanding.
    private(set) var end: (offset: Int64, fingerprint: Fingerprint)?
    /// How far the file was read when it was let go, which is further than what is stored while acks are outstanding.
    ///
    /// Of this process only: after a crash what was not stored is read again.
    var reading: (offset: Int64, fingerprint: Fingerprint)?
    /// Since when lines of this life wait to be stored.
    var lag = LagClock()
    /// Whether the file was truncated after this life, so that the state stands for content elsewhere or nowhere.
    var isEnded: Bool

    init(
        key: FileKey,
        generation: UInt32 = 0,
        path: String,
        token: IdentityToken? = nil,
        offset: Int64 = 0,
        fingerprint: Fingerprint = .empty,
        lastSeen: Int64,
        isEnded: Bool = false
    ) {
        self.key = key
        self.generation = generation
        self.path = path
        self.token = token
        self.offset = offset
        self.fingerprint = fingerprint
        self.lastSeen = lastSeen
        self.isEnded = isEnded
    }

    /// Records that the receiver stored everything before `offset`.
    func advance(to offset: Int64, _ fingerprint: Fingerprint) {
        self.offset = offset
        self.fingerprint = fingerprint
    }

    /// Where a copy of an ended life is to be read on.
    var resumption: (offset: Int64, fingerprint: Fingerprint) { end ?? (offset, fingerprint) }

    /// Records how far the life was read when it ended.
    func noteEnd(_ offset: Int64, _ fingerprint: Fingerprint) { end = (offset, fingerprint) }

    /// Whether an open file begins with the line by which this life is known.
    ///
    /// Lines sent just before a crash may be stored although the offset does not say so; only the same token makes
    /// them the same documents when they are sent again.
    ///
    /// - Returns: nil when nothing was read in this life.
    func isBeginning(of file: Int32) throws(Errno) -> Bool? {
        guard let token else { return nil }
        return try IdentityToken.token(key, generation: generation, raw: file, bytes: token.bytes).value
            == token.value
    }
}
