import Common

/// Cuts a line by its format and resolves the escapes of the values.
///
/// With escape=json the values of variables are JSON strings, so those with escapes are copied and resolved. With the other
/// escapes values stay as they stand in the line, `\xHH` of nginx included.
struct NginxLine {
    private var scanner: NginxScanner
    /// The values in the copy, and whether they count.
    private var copied: [Range<Int>]
    private var isCopied = false
    private let unescapes: Bool

    init(format: NginxLogFormat) {
        scanner = NginxScanner(format: format)
        copied = scanner.captures
        unescapes = format.escape == .json
    }

    var format: NginxLogFormat { scanner.format }

    /// Where the values of the last line stand: in the line, or in the copy that `cut` made.
    var values: [Range<Int>] { isCopied ? copied : scanner.captures }

    /// Cuts `line` into `values`.
    ///
    /// - Returns: whether `values` are ranges of `copy`, which then holds them without escapes, rather than of `line`.
    mutating func cut(_ line: RawSpan, copy: inout ByteBuffer) throws(NginxScanner.Failure) -> Bool {
        if let failure = scanner.scan(line) { throw failure }
        guard unescapes, line.firstIndex(of: UInt8(ascii: "\\"), in: 0..<line.byteCount) != nil else {
            isCopied = false
            return false
        }
        isCopied = true
        copy.removeAll()
        for index in copied.indices {
            let start = copy.count
            copy.append(looselyUnescaped: line, scanner.captures[index])
            copied[index] = start..<copy.count
        }
        return true
    }
}

extension ByteBuffer {
    /// Appends `bytes[range]` with JSON's escapes resolved where they are right, and kept where they are not.
    fileprivate mutating func append(looselyUnescaped bytes: RawSpan, _ range: Range<Int>) {
        var start = range.lowerBound
        while let backslash = bytes.firstIndex(of: UInt8(ascii: "\\"), in: start..<range.upperBound) {
            append(bytes, start..<backslash)
            let length = bytes.lengthOfEscape(at: backslash, end: range.upperBound)
            if length == 0 {
                append(UInt8(ascii: "\\"))
                start = backslash + 1
            } else {
                let escape = JSONReader.Text(range: backslash..<backslash + length, hasEscapes: true)
                append(unescaped: escape, of: bytes)
                start = backslash + length
            }
        }
        append(bytes, start..<range.upperBound)
    }
}

extension RawSpan {
    /// The length of the JSON escape at `offset`, a pair of surrogates being one; 0 if none stands there.
    fileprivate func lengthOfEscape(at offset: Int, end: Int) -> Int {
        guard offset + 1 < end else { return 0 }
        switch self[offset + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            return 2
        case UInt8(ascii: "u"):
            guard offset + 6 <= end, let unit = hexadecimalUnit(at: offset + 2) else { return 0 }
            guard unit & 0xFC00 == 0xD800, offset + 12 <= end, has("\\u", at: offset + 6),
                let low = hexadecimalUnit(at: offset + 8), low & 0xFC00 == 0xDC00
            else { return 6 }
            return 12
        default: return 0
        }
    }
}
