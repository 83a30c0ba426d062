import Common

/// Cuts a stream of bytes into lines, however it arrives.
///
/// Lines that stand whole in a piece are handed out in place; only one that continues in the next piece is copied.
struct LineReader: ~Copyable {
    /// One line as it is handed out, without its newline.
    struct Line {
        /// Its bytes did not fit: only the first ones are given.
        let isCut: Bool
        /// false for the last line of a stream that does not end in a newline.
        let hasNewline: Bool
    }

    /// A line with its newline must not be longer.
    private let maxLineBytes: Int
    /// The beginning of a line whose end has not come.
    private var carry = ByteBuffer()
    /// The carried line is too long already; the rest of it is skipped.
    private var isSkipping = false

    /// Memory kept from one long line to the next.
    private static let keptBytes = 16 << 10

    init(maxLineBytes: Int) { self.maxLineBytes = maxLineBytes }

    /// Hands out each line that ends in `piece`, from `offset` on, until `take` answers false.
    ///
    /// - Parameter offset: moves behind the last line handed out, or to the end.
    mutating func feed(
        _ piece: RawSpan,
        from offset: inout Int,
        _ take: (RawSpan, Line) -> Bool
    ) {
        let end = piece.byteCount
        while offset < end {
            let newline = piece.firstIndex(of: UInt8(ascii: "\n"), in: offset..<end)
            let stop = newline ?? end
            let start = offset
            offset = newline.map { $0 + 1 } ?? end
            guard newline != nil else { return keep(piece, start..<stop) }
            let isWhole = carry.isEmpty && !isSkipping && stop - start < maxLineBytes
            let goesOn =
                isWhole
                ? piece.withUnsafeBytes { bytes in
                    let line = UnsafeRawBufferPointer(rebasing: bytes[start..<stop])
                    return take(line.bytes, Line(isCut: false, hasNewline: true))
                } : completeCarried(piece, start..<stop, take)
            guard goesOn else { return }
        }
    }

    /// Hands out the last line if the stream did not end in a newline.
    mutating func finish(_ take: (RawSpan, Line) -> Bool) {
        guard !carry.isEmpty || isSkipping else { return }
        let line = Line(isCut: isSkipping || carry.count > maxLineBytes, hasNewline: false)
        carry.withSpan { _ = take($0, line) }
        carry.removeAll()
        isSkipping = false
    }

    private mutating func completeCarried(
        _ piece: RawSpan,
        _ range: Range<Int>,
        _ take: (RawSpan, Line) -> Bool
    ) -> Bool {
        keep(piece, range)
        // The newline counts.
        let isCut = isSkipping || carry.count >= maxLineBytes
        let goesOn = carry.withSpan { take($0, Line(isCut: isCut, hasNewline: true)) }
        carry.removeAll()
        carry.shrink(to: Self.keptBytes)
        isSkipping = false
        return goesOn
    }

    private mutating func keep(_ piece: RawSpan, _ range: Range<Int>) {
        let room = maxLineBytes - carry.count
        if range.count > room { isSkipping = true }
        carry.append(piece, range.lowerBound..<range.lowerBound + min(range.count, room))
    }
}
