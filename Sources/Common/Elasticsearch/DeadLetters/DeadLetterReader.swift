import Glibc

/// Reads a segment line by line, with the memory of its longest line.
struct DeadLetterReader: ~Copyable {
    private static let blockBytes = 256 << 10
    /// Six times the largest document: each byte of one that is not JSON may need an escape.
    private static let maxLineBytes = 6 * BulkBatch.maxDocumentBytes + (1 << 20)

    private let path: String
    private let file: Descriptor
    /// Whether bytes behind the last line's end count as a line in any case: nobody is writing them.
    ///
    /// Otherwise they do when they are a whole letter, which an editor need not end.
    private let takesRest: Bool
    private var offset: Int64 = 0
    private var buffer = ByteBuffer(capacity: Self.blockBytes)
    private var line = 0..<0
    private var next = 0

    /// - Parameter takesRest: the segment is locked, so that the last line is whole though its end is missing.
    /// - Returns: nil when the file has gone.
    static func open(_ path: String, takesRest: Bool) throws(DeadLetterError) -> DeadLetterReader? {
        do { return DeadLetterReader(path, try Descriptor.open(path, O_RDONLY), takesRest) } catch .notFound {
            return nil
        } catch {
            throw .failed(step: "open", path: path, cause: error)
        }
    }

    private init(_ path: String, _ file: consuming Descriptor, _ takesRest: Bool) {
        self.path = path
        self.file = file
        self.takesRest = takesRest
    }

    /// Goes to the next line that is not empty.
    ///
    /// - Returns: false at the end.
    mutating func advance() throws(DeadLetterError) -> Bool {
        while true {
            guard let end = try lineEnd() else { return false }
            line = next..<end
            next = min(end + 1, buffer.count)
            if !line.isEmpty { return true }
        }
    }

    /// Calls `body` with the line, without its end.
    func withLine<Result, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try buffer.withSpan { bytes throws(Failure) in try body(bytes.extracting(line)) }
    }

    /// Where the line that begins at `next` ends; reads on until that is known.
    private mutating func lineEnd() throws(DeadLetterError) -> Int? {
        var searched = next
        while true {
            let end = buffer.withSpan { $0.firstIndex(of: UInt8(ascii: "\n"), in: searched..<$0.byteCount) }
            if let end { return end }
            searched = buffer.count - next
            buffer.removeFirst(next)
            next = 0
            guard buffer.count <= Self.maxLineBytes else {
                throw .lineTooLong(path: path, maxBytes: Self.maxLineBytes)
            }
            guard try read() > 0 else { return isRestALine ? buffer.count : nil }
        }
    }

    private var isRestALine: Bool {
        !buffer.isEmpty && (takesRest || buffer.withSpan { DeadLetterEntry($0) != nil })
    }

    private mutating func read() throws(DeadLetterError) -> Int {
        var count = 0
        let position = offset
        do throws(Errno) {
            try buffer.append(reserving: Self.blockBytes) { (free) throws(Errno) in
                count = try file.read(into: free, at: position)
                return count
            }
        } catch {
            throw .failed(step: "read", path: path, cause: error)
        }
        offset += Int64(count)
        return count
    }
}
