import Common

/// What tells one event from all others, and is the same when it comes again: where its line stands, and the line.
///
/// As `DocumentID` has it, from the fields of the document.
struct EventOrigin {
    private static let fields = [
        "agent.id", "agent.ephemeral_id", "log.file.identity", "log.file.path", "log.offset",
        "event.original",
        "message",
    ].compactMap { FieldPath($0) }

    /// Appends the origin of an event.
    static func append(_ record: Record, to output: inout ByteBuffer) {
        for field in fields {
            if let node = record.find(field) { record.appendText(of: node, to: &output) }
            // Nothing in UTF-8 has this byte: two fields cannot run into each other.
            output.append(UInt8(0xFF))
        }
    }
}
