import Common

/// How long texts may be.
enum TextLimit {
    /// Characters (code points) of names, ids and the values of labels, which stores index as keywords.
    ///
    /// The intake refuses longer ones; what the server itself takes from elsewhere it cuts. Source: the intake v2
    /// specification of Elastic's APM agents.
    static let keyword = 1024
}

extension RawSpan {
    /// The beginning of `text` that has at most `limit` code points; a byte that is no UTF-8 counts as one, as it
    /// becomes one.
    func cut(_ text: Range<Int>, to limit: Int) -> Range<Int> {
        guard text.count > limit else { return text }
        var index = text.lowerBound
        var left = limit
        while index < text.upperBound, left > 0 {
            index += Swift.max(lengthOfUTF8Scalar(at: index, end: text.upperBound), 1)
            left -= 1
        }
        return text.lowerBound..<index
    }

    /// The offset behind the first `count` characters of a JSON string's inside; its end when it has no more.
    func endOfCharacters(_ count: Int, _ range: Range<Int>) -> Int {
        guard range.count > count else { return range.upperBound }
        var index = range.lowerBound
        for _ in 0..<count where index < range.upperBound {
            if self[index] == UInt8(ascii: "\\") {
                index += lengthOfEscape(at: index)
            } else {
                index += 1
                while index < range.upperBound, self[index] & 0xC0 == 0x80 { index += 1 }
            }
        }
        return min(index, range.upperBound)
    }

    /// Bytes of the escape at `offset`, whose string was checked; 12 for a pair of surrogates.
    private func lengthOfEscape(at offset: Int) -> Int {
        guard self[offset + 1] == UInt8(ascii: "u") else { return 2 }
        guard let high = hexadecimalUnit(at: offset + 2), high & 0xFC00 == 0xD800, offset + 12 <= byteCount,
            self[offset + 6] == UInt8(ascii: "\\"), self[offset + 7] == UInt8(ascii: "u"),
            let low = hexadecimalUnit(at: offset + 8), low & 0xFC00 == 0xDC00
        else { return 6 }
        return 12
    }
}
