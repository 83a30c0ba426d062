import Common

/// Ids that no other document has: a counter that begins with the time, then what names this worker.
///
/// An id belongs to its document from acceptance on, through retries, spool and replay: storing twice is a conflict,
/// not a second document.
struct DocumentIDs {
    private var counter: UInt64
    private let instance: UInt64
    private var text = [UInt8](repeating: 0, count: 20)

    private static let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8
    )

    /// - Parameters:
    ///   - start: microseconds since 1970: where the counter begins.
    ///   - instance: random, other for each worker of each process.
    init(start: UInt64, instance: UInt64) {
        counter = start
        self.instance = instance
    }

    /// The next id, 20 bytes of base64url.
    mutating func next() -> [UInt8] {
        counter &+= 1
        Self.write(counter, instance, to: &text)
        return text
    }

    /// An id that follows from what a document was made of.
    static func fixed(_ hash: SipHash.Value) -> [UInt8] {
        var text = [UInt8](repeating: 0, count: 20)
        write(hash.high, hash.low, to: &text)
        return text
    }

    /// 60 bits of each in ten digits.
    private static func write(_ first: UInt64, _ second: UInt64, to text: inout [UInt8]) {
        var (left, right) = (first, second)
        for index in stride(from: 9, through: 0, by: -1) {
            text[index] = alphabet[Int(left & 63)]
            text[index + 10] = alphabet[Int(right & 63)]
            left >>= 6
            right >>= 6
        }
    }
}
