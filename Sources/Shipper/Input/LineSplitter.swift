import Common

/// Cuts bytes at newlines.
///
/// Pure: the offset is its only state, the bytes are an argument.
struct LineSplitter {
    /// One line and where the next begins.
    struct Line: Equatable {
        /// The line without its end: LF, or CR LF.
        let content: Range<Int>
        /// First byte behind the line feed.
        let next: Int
    }

    /// UTF-8's byte order mark.
    static let byteOrderMark: StaticString = "\u{FEFF}"

    /// First byte not yet handed out.
    var offset: Int

    init(offset: Int = 0) { self.offset = offset }

    /// The next whole line before `end`; nil when no line feed is left.
    @inline(__always)
    mutating func next(_ bytes: RawSpan, end: Int) -> Line? {
        guard let feed = bytes.firstIndex(of: UInt8(ascii: "\n"), in: offset..<end) else { return nil }
        var last = feed
        if last > offset, bytes[last - 1] == UInt8(ascii: "\r") { last -= 1 }
        let line = Line(content: offset..<last, next: feed + 1)
        offset = feed + 1
        return line
    }

    /// The content of a file's first line: without the byte order mark, if it has one.
    static func withoutByteOrderMark(_ content: Range<Int>, _ bytes: RawSpan) -> Range<Int> {
        let mark = content.lowerBound..<min(content.lowerBound + 3, content.upperBound)
        return bytes.equals(byteOrderMark, mark) ? mark.upperBound..<content.upperBound : content
    }
}
