import Common

/// One Lumberjack window, sealed: its bytes as they go over the wire, and what an ack of it stores.
///
/// The bytes stay until the ack, so a window that is sent again is the same window.
final class Batch {
    /// How far one file is stored once the batch is.
    struct Progress {
        let file: FileState
        let offset: Int64
        let fingerprint: Fingerprint
    }

    let id: SendWindow.ID
    let count: UInt32
    /// W frame, then J frames or one C frame.
    var frames: ByteBuffer
    /// Files with lines in it, each once, in no order.
    var progress: [Progress]
    /// Bytes of the lines in it, their ends included.
    let lineBytes: Int
    /// Connections that were lost while the peer had some or all of it, unacknowledged.
    var failures = 0

    init(id: SendWindow.ID, count: UInt32, frames: consuming ByteBuffer, progress: [Progress], lineBytes: Int)
    {
        self.id = id
        self.count = count
        self.frames = frames
        self.progress = progress
        self.lineBytes = lineBytes
    }

    /// Takes what an ack of the batch means for the registry.
    func store() {
        for entry in progress { entry.file.advance(to: entry.offset, entry.fingerprint) }
    }
}
