import CLinux
import Common

extension RawSpan {
    /// The offset of the first `text` in `range`.
    func firstIndex(of text: StaticString, in range: Range<Int>) -> Int? {
        guard range.lowerBound >= 0, range.upperBound <= byteCount else { return nil }
        return withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress,
                let hit = memmem(base + range.lowerBound, range.count, text.utf8Start, text.utf8CodeUnitCount)
            else { return nil }
            return UnsafeRawPointer(hit) - base
        }
    }

    /// The end of the JSON string whose inside starts at `start`, and its length without escapes.
    ///
    /// - Returns: nil when the string does not end in `range`.
    func jsonString(from start: Int, in range: Range<Int>) -> (end: Int, unescapedBytes: Int)? {
        var index = start
        var saved = 0
        while let quote = firstIndex(of: UInt8(ascii: "\""), in: index..<range.upperBound) {
            guard let escape = firstIndex(of: UInt8(ascii: "\\"), in: index..<quote) else {
                return (quote, quote - start - saved)
            }
            let length = escape + 1 < range.upperBound && self[escape + 1] == UInt8(ascii: "u") ? 6 : 2
            saved += length - 1
            index = escape + length
            guard index <= range.upperBound else { return nil }
        }
        return nil
    }
}
