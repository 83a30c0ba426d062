import Common

/// What ends a line (`line_terminator`).
///
/// Names and meaning are Filebeat's.
struct LineTerminator: Equatable, Sendable {
    enum Name: String, CaseIterable, Sendable {
        /// LF, with or without CR before it.
        case auto
        case lineFeed = "line_feed"
        case carriageReturnLineFeed = "carriage_return_line_feed"
        case carriageReturn = "carriage_return"
        case verticalTab = "vertical_tab"
        case formFeed = "form_feed"
        case nextLine = "next_line"
        case lineSeparator = "line_separator"
        case paragraphSeparator = "paragraph_separator"
        case null = "null_terminator"

        fileprivate var scalars: [UInt16] {
            switch self {
            case .auto, .lineFeed: [0x0A]
            case .carriageReturnLineFeed: [0x0D, 0x0A]
            case .carriageReturn: [0x0D]
            case .verticalTab: [0x0B]
            case .formFeed: [0x0C]
            case .nextLine: [0x85]
            case .lineSeparator: [0x2028]
            case .paragraphSeparator: [0x2029]
            case .null: [0]
            }
        }
    }

    /// The bytes that end a line, in the file's encoding.
    let bytes: [UInt8]
    /// A carriage return before them, which is not part of the line either; empty when it would be.
    private let optional: [UInt8]
    /// Bytes of one code unit: a terminator begins at a multiple of it.
    private let unit: Int

    /// LF in UTF-8 and all encodings that have ASCII at its place.
    static let standard = LineTerminator(.auto, in: .utf8)

    init(_ name: Name, in encoding: TextEncoding) {
        bytes = name.scalars.flatMap(encoding.bytes)
        optional = name == .auto ? encoding.bytes(0x0D) : []
        unit = encoding.unitBytes
    }

    /// The next whole line of `text` in `start..<end`; nil when no terminator is left.
    ///
    /// - Parameter start: where a line begins.
    func next(_ text: RawSpan, from start: Int, to end: Int) -> LineSplitter.Line? {
        guard let stop = find(text, from: start, origin: start, to: end) else { return nil }
        return LineSplitter.Line(
            content: start..<contentEnd(text, start, stop),
            next: stop + bytes.count
        )
    }

    /// Where a terminator begins in `start..<end`.
    ///
    /// - Parameter origin: where a code unit begins; of any sign.
    func find(_ text: RawSpan, from start: Int, origin: Int, to end: Int) -> Int? {
        var index = start
        while let found = text.firstIndex(of: bytes[0], in: index..<end) {
            guard found + bytes.count <= end else { return nil }
            if (found - origin) % unit == 0, equals(text, found, bytes) { return found }
            index = found + 1
        }
        return nil
    }

    /// The end of a line's content before the terminator at `stop`.
    func contentEnd(_ text: RawSpan, _ start: Int, _ stop: Int) -> Int {
        let before = stop - optional.count
        return !optional.isEmpty && before >= start && equals(text, before, optional) ? before : stop
    }

    private func equals(_ text: RawSpan, _ start: Int, _ wanted: [UInt8]) -> Bool {
        for offset in 0..<wanted.count where text[start + offset] != wanted[offset] { return false }
        return true
    }
}
