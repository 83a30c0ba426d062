import Common

/// Changes texts of fields in place: a text, or each text of a list.
///
/// Other values stay as they are. Belongs to one filter.
final class TextEditor {
    /// Memory that one huge text may leave behind.
    private static let keptBytes = 256 << 10

    private var input = ByteBuffer()
    private var output = ByteBuffer()

    /// - Parameter change: appends the new text to its buffer, and answers whether it is another one.
    func edit(
        _ path: FieldPath,
        of record: Record,
        _ change: (RawSpan, inout ByteBuffer) throws(FilterFailure) -> Bool
    ) throws(FilterFailure) {
        guard let node = record.find(path) else { return }
        if record.kind(of: node) == .list {
            for element in record.children(of: node) { try edit(element, of: record, change) }
        } else {
            try edit(node, of: record, change)
        }
        input.removeAll()
        input.shrink(to: Self.keptBytes)
        output.removeAll()
        output.shrink(to: Self.keptBytes)
    }

    private func edit(
        _ node: Record.Node,
        of record: Record,
        _ change: (RawSpan, inout ByteBuffer) throws(FilterFailure) -> Bool
    ) throws(FilterFailure) {
        guard record.kind(of: node) == .text, record.copyText(of: node, into: &input) else { return }
        output.removeAll()
        let isChanged = try input.withSpan { text throws(FilterFailure) in try change(text, &output) }
        guard isChanged else { return }
        try record.admit(bytes: output.count)
        output.withSpan { record.replace(node, text: $0, 0..<$0.byteCount) }
    }
}
