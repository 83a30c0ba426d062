import Common

/// What one intake request is told: how many events were taken and what was wrong with others.
///
///     {"accepted":2,"errors":[{"message":"…","document":"the line"},{"message":"…"}]}
struct IntakeAnswer {
    /// Errors of single lines beyond this are only counted.
    static let maxListedErrors = 5

    private struct Entry {
        let message: String
        /// The offending line; empty for none.
        let document: [UInt8]
    }

    /// Events that are safe, or on their way.
    var accepted = 0
    /// The highest status of all errors; 202 without any.
    private(set) var status = 202
    private var entries: [Entry] = []
    private var streamError: Entry?

    var hasStreamError: Bool { streamError != nil }

    /// Records what is wrong with one line.
    mutating func add(_ error: IntakeError, document: RawSpan) {
        status = max(status, error.status)
        guard entries.count < Self.maxListedErrors else { return }
        entries.append(Entry(message: error.message, document: document.withUnsafeBytes { Array($0) }))
    }

    /// Records why the rest of the stream is not read; only the first reason counts.
    mutating func end(_ error: IntakeError, document: [UInt8] = []) {
        guard streamError == nil else { return }
        status = max(status, error.status)
        streamError = Entry(message: error.message, document: document)
    }

    /// The body of the answer; empty when all went well and nobody asked for details.
    func body(isVerbose: Bool) -> [UInt8] {
        guard status >= 400 || isVerbose else { return [] }
        var body = ByteBuffer(capacity: 256)
        body.append(#"{"accepted":"# as StaticString)
        body.append(decimal: Int64(accepted))
        if status >= 400 {
            body.append(#","errors":["# as StaticString)
            for entry in entries + (streamError.map { [$0] } ?? []) {
                body.separate()
                body.append(#"{"message":"# as StaticString)
                body.append(jsonString: entry.message)
                if !entry.document.isEmpty {
                    body.append(#","document":""# as StaticString)
                    entry.document.withUnsafeBytes { body.append(jsonEscaped: $0.bytes, 0..<$0.count) }
                    body.append(UInt8(ascii: "\""))
                }
                body.append(UInt8(ascii: "}"))
            }
            body.append(UInt8(ascii: "]"))
        }
        body.append(UInt8(ascii: "}"))
        return body.array
    }
}
