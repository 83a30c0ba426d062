/// The client's end of acks: bytes of a connection in, sequence numbers out.
///
/// Keeps an ack that is cut by the end of a read, so the caller may reuse its buffer at once.
package struct LumberjackAckReader: Sendable {
    /// The bytes of the frame that is arriving, first byte highest.
    private var partial: UInt64 = 0
    private var partialBytes = 0

    package init() {}

    /// Reads on from `bytes[offset...]` and moves `offset`.
    ///
    /// - Returns: the acknowledged sequence number, 0 for a keep-alive; nil when all bytes are used up.
    package mutating func next(in bytes: RawSpan, at offset: inout Int) throws(LumberjackError) -> UInt32? {
        while offset < bytes.byteCount {
            let byte = bytes[offset]
            if partialBytes == 0, byte != LumberjackFrame.version { throw .version(byte) }
            if partialBytes == 1, byte != UInt8(ascii: "A") { throw .type(byte) }
            offset += 1
            partial = partial << 8 | UInt64(byte)
            partialBytes += 1
            guard partialBytes == LumberjackFrame.shortHeaderBytes else { continue }
            let sequence = UInt32(truncatingIfNeeded: partial)
            self = LumberjackAckReader()
            return sequence
        }
        return nil
    }
}
