/// Why a Lumberjack peer is not understood or not trusted.
///
/// The connection ends without an ack for its window.
package enum LumberjackError: Error, Equatable {
    /// A frame starts with this byte instead of '2'.
    case version(UInt8)
    /// A frame type that does not exist, or that has no business at this place.
    case type(UInt8)
    /// A window announces more events than is allowed.
    case window(count: Int, limit: Int)
    /// A new window starts although `received` of `announced` events have come.
    case windowIncomplete(received: Int, announced: Int)
    /// An event arrives and no window announced it.
    case eventOutsideWindow
    /// A frame announces more bytes than is allowed.
    case frame(lengthBytes: Int, limit: Int)
    /// An event without content.
    case emptyEvent(sequence: UInt32)
    /// A key/value event announces more pairs than fit into the largest frame, or none.
    case pairs(count: Int)
    /// A compressed frame that does not inflate, or inflates to too much.
    case compressed(DeflateError)
    /// A compressed frame that ends inside of a frame.
    case compressedEndsInsideFrame
}

extension LumberjackError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .version(0x16): "the peer speaks TLS, and this side does not expect it"
        case .version(0x31): "the peer speaks version 1 of the protocol, only version 2 is supported"
        case .version(let byte): "the peer does not speak Lumberjack: a frame starts with byte \(byte)"
        case .type(let byte): "unexpected frame type \(byte)"
        case .window(let count, let limit): "a window of \(count) events; at most \(limit) are allowed"
        case .windowIncomplete(let received, let announced):
            "a new window starts after \(received) of \(announced) events"
        case .eventOutsideWindow: "an event that no window announced"
        case .frame(let length, let limit): "a frame of \(length) bytes; at most \(limit) are allowed"
        case .emptyEvent(let sequence): "event \(sequence) is empty"
        case .pairs(let count): "an event of \(count) pairs"
        case .compressed(let error): "a compressed frame is refused: \(error)"
        case .compressedEndsInsideFrame: "a compressed frame ends inside of a frame"
        }
    }
}
