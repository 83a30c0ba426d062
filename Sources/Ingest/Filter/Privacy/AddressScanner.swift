import Common

/// Finds the addresses in a text.
///
/// An address is a run of hexadecimal digits, colons and points that no letter or digit touches; a port behind it is no
/// part of it. Takes time in proportion to the length of the text.
enum AddressScanner {
    /// Of an address with a port.
    private static let maxRunBytes = 52

    /// The first address in `text[start...]`, with the place of its text.
    static func next(in text: RawSpan, from start: Int) -> (range: Range<Int>, address: IPAddress)? {
        var index = start
        while index < text.byteCount {
            guard isPart(text[index]) else {
                index += 1
                continue
            }
            var end = index
            while end < text.byteCount, isPart(text[end]) { end += 1 }
            let isTouched =
                (index > 0 && isWord(text[index - 1])) || (end < text.byteCount && isWord(text[end]))
            if !isTouched, let found = address(text, index..<end) { return found }
            index = end
        }
        return nil
    }

    private static func isPart(_ byte: UInt8) -> Bool {
        Hexadecimal.value(byte) != nil || byte == UInt8(ascii: ":") || byte == UInt8(ascii: ".")
    }

    private static func isWord(_ byte: UInt8) -> Bool { (byte | 0x20) &- 97 < 26 || byte &- 48 < 10 }

    private static func address(_ text: RawSpan, _ run: Range<Int>) -> (Range<Int>, IPAddress)? {
        // `::` alone is how programmers write scopes.
        guard (3...maxRunBytes).contains(run.count) else { return nil }
        if let address = IPAddress(text, run) { return (run, address) }
        // The end of a sentence: `from 192.0.2.1.` or `client 192.0.2.1:`.
        var end = run.upperBound
        while end > run.lowerBound, text[end - 1] == UInt8(ascii: ".") || text[end - 1] == UInt8(ascii: ":") {
            end -= 1
        }
        if let address = IPAddress(text, run.lowerBound..<end) { return (run.lowerBound..<end, address) }
        guard let colon = text.firstIndex(of: UInt8(ascii: ":"), in: run.lowerBound..<end),
            let address = IPAddress(text, run.lowerBound..<colon)
        else { return nil }
        return (run.lowerBound..<colon, address)
    }
}
