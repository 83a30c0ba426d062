import Common
import Testing

@testable import Shipper

@Suite struct LineSplitterTests {
    private func split(_ text: String) -> [String] {
        let bytes = Array(text.utf8)
        let span = bytes.span.bytes
        var splitter = LineSplitter()
        var lines: [String] = []
        while let line = splitter.next(span, end: bytes.count) { lines.append(span.text(line.content)) }
        return lines
    }

    @Test(
        "cuts at line feeds and drops a carriage return before them",
        arguments: [
            ("", []),
            ("no end", []),
            ("a\nb\n", ["a", "b"]),
            ("a\r\nb\r\r\n\n\r\nc", ["a", "b\r", "", ""]),
            ("\n", [""]),
            ("a\rb\n", ["a\rb"]),
        ] as [(String, [String])]
    )
    func splits(_ text: String, expected: [String]) { #expect(split(text) == expected) }

    @Test("finds the same lines whatever the bytes are cut at")
    func everySplitPoint() {
        let text = Array("one\r\ntwo\n\nthree\n".utf8)
        let whole = ["one", "two", "", "three"]
        for cut in 0...text.count {
            var lines: [String] = []
            var start = 0
            for end in [cut, text.count] {
                let bytes = Array(text[start..<end])
                var splitter = LineSplitter()
                while let line = splitter.next(bytes.span.bytes, end: bytes.count) {
                    lines.append(bytes.span.bytes.text(line.content))
                }
                start += splitter.offset
            }
            #expect(lines == whole, "cut at \(cut)")
        }
    }

    @Test(
        "removes a byte order mark",
        arguments: [("\u{FEFF}a", 3), ("a", 0), ("\u{FEFF}", 3), ("", 0), ("\u{FEFE}x", 0)]
    )
    func byteOrderMark(_ text: String, removed: Int) {
        let bytes = Array(text.utf8)
        let rest = LineSplitter.withoutByteOrderMark(0..<bytes.count, bytes.span.bytes)
        #expect(rest == removed..<bytes.count)
    }

    @Test(
        "never ends in the middle of a character",
        arguments: [("aä", 2, 1), ("aä", 3, 3), ("€", 2, 0), ("😀", 3, 0), ("😀", 4, 4), ("abc", 2, 2)]
    )
    func trimming(_ text: String, end: Int, expected: Int) {
        #expect(Array(text.utf8).span.bytes.trimmedToWholeScalars(0..<end) == 0..<expected)
    }
}
