import Common
import Glibc

/// `ingest parse`: log lines on standard input become the documents that would be stored, one a line, on standard output.
///
/// It opens no connection. The documents are those of lines shipped now, from no file: `_id` and index are not shown.
struct ParseCommand: ~Copyable {
    /// Longer lines are cut there, as the shipper does by default.
    static let maxLineBytes = 10 << 20
    /// Bytes of one read, and of one write.
    private static let blockBytes = 256 << 10

    private let pipeline: Pipeline
    private let now: CalendarTime
    /// Says in front of each document what made it.
    private let explanation: Explanation?
    private var input = ByteBuffer(capacity: blockBytes)
    private var payload = ByteBuffer(capacity: 4096)
    private var output = ByteBuffer(capacity: blockBytes * 2)
    /// Set while the rest of a line that was too long is skipped.
    private var isSkipping = false

    /// - Parameter now: the time of reading, for lines without a time of their own.
    init(pipeline: Pipeline, now: CalendarTime, explanation: Explanation? = nil) {
        self.pipeline = pipeline
        self.explanation = explanation
        self.now = now
    }

    /// Runs the command on standard input and output, and answers the exit code.
    static func run(_ pipeline: Pipeline, explanation: Explanation? = nil) -> Int32 {
        do throws(Errno) {
            let source = try Descriptor(adopting: 0)
            let target = try Descriptor(adopting: 1)
            var command = ParseCommand(pipeline: pipeline, now: Clock.now, explanation: explanation)
            try command.run(from: source, to: target)
        } catch {
            // Whoever read the documents has seen enough (`ingest parse | head`).
            guard error != Errno(EPIPE) else { return Program.ExitCode.success }
            StandardStream.write("ingest: parsing standard input: \(error)\n", toError: true)
            return Program.ExitCode.failure
        }
        return Program.ExitCode.success
    }

    /// Reads to the end of `source`, and writes to `target`.
    ///
    /// - Throws: the error of the stream that failed.
    mutating func run(from source: borrowing Descriptor, to target: borrowing Descriptor) throws(Errno) {
        while true {
            var count = 0
            try input.append(reserving: Self.blockBytes) { free throws(Errno) in
                count = try source.read(
                    into: UnsafeMutableRawBufferPointer(rebasing: free[..<Self.blockBytes])
                )
                return count
            }
            if count == 0 { break }
            try takeLines(target)
        }
        if !input.isEmpty, !isSkipping { append(lineEnd: input.count, start: 0) }
        try flush(target)
    }

    /// Writes the documents of all complete lines in `input`, and keeps the rest.
    private mutating func takeLines(_ target: borrowing Descriptor) throws(Errno) {
        var start = 0
        while let end = input.withSpan({ $0.firstIndex(of: UInt8(ascii: "\n"), in: start..<$0.byteCount) }) {
            if !isSkipping { append(lineEnd: end, start: start) }
            isSkipping = false
            start = end + 1
            if output.count >= Self.blockBytes { try flush(target) }
        }
        input.removeFirst(start)
        guard input.count > Self.maxLineBytes else { return }
        if !isSkipping { append(lineEnd: Self.maxLineBytes, start: 0) }
        isSkipping = true
        input.removeAll()
    }

    /// Appends the document of one line; empty ones have none, as in the shipper.
    private mutating func append(lineEnd: Int, start: Int) {
        var end = min(lineEnd, start + Self.maxLineBytes)
        if end > start, input[end - 1] == UInt8(ascii: "\r") { end -= 1 }
        guard end > start else { return }
        payload.removeAll()
        payload.append(#"{"@timestamp":""#)
        payload.append(iso8601: now)
        payload.append(#"","message":""#)
        input.withSpan { payload.append(jsonEscaped: $0, start..<end) }
        payload.append("\"}")
        explanation?.begin(input.withSpan { $0.text(start..<end) })
        let first = output.count
        payload.withSpan { payload in
            pipeline.forEachDocument(of: payload, receivedAt: now) { _, _, write in
                write(&output)
                output.append(UInt8(ascii: "\n"))
            }
        }
        guard let explanation else { return }
        explanation.end()
        let documents = output.withSpan { Array($0.text(first..<$0.byteCount).utf8) }
        output.truncate(to: first)
        output.append(explanation.text)
        output.append(documents)
    }

    private mutating func flush(_ target: borrowing Descriptor) throws(Errno) {
        try output.withUnsafeBytes { bytes throws(Errno) in try target.writeAll(bytes) }
        output.removeAll()
    }
}
