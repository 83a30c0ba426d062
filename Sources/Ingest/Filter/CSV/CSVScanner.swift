import Common

/// Cuts one row of separated values (RFC 4180) at its separators.
struct CSVScanner {
    enum Problem: Error, Equatable, CustomStringConvertible {
        case open
        case textBehindQuote(Int)

        var description: String {
            switch self {
            case .open: "a quote is not closed"
            case .textBehindQuote(let offset): "text stands behind a closing quote at byte \(offset)"
            }
        }
    }

    /// One value of the row.
    struct Column: Equatable {
        /// Inside of the quotes, where there are any.
        let range: Range<Int>
        /// Whether quotes in it are doubled.
        let hasQuotes: Bool
        let isQuoted: Bool
    }

    private let separator: [UInt8]
    /// Nil when quotes mean nothing.
    private let quote: UInt8?
    private let end: Int
    private var offset: Int
    private var isDone = false

    init(_ range: Range<Int>, separator: [UInt8], quote: UInt8?) {
        self.separator = separator
        self.quote = quote
        offset = range.lowerBound
        end = range.upperBound
    }

    /// The next value; nil behind the last.
    mutating func next(_ bytes: RawSpan) throws(Problem) -> Column? {
        guard !isDone else { return nil }
        if let quote, offset < end, bytes[offset] == quote { return try quoted(quote, bytes) }
        let stop = bytes.firstIndex(of: separator, in: offset..<end)
        let range = offset..<(stop ?? end)
        step(over: stop)
        return Column(range: range, hasQuotes: false, isQuoted: false)
    }

    private mutating func quoted(_ quote: UInt8, _ bytes: RawSpan) throws(Problem) -> Column {
        let start = offset + 1
        var hasQuotes = false
        var index = start
        while true {
            guard let close = bytes.firstIndex(of: quote, in: index..<end) else { throw .open }
            if close + 1 < end, bytes[close + 1] == quote {
                hasQuotes = true
                index = close + 2
                continue
            }
            let behind = close + 1
            let isSeparated =
                behind + separator.count <= end && bytes.equals(separator, behind..<behind + separator.count)
            guard behind == end || isSeparated else { throw .textBehindQuote(behind) }
            step(over: behind == end ? nil : behind)
            return Column(range: start..<close, hasQuotes: hasQuotes, isQuoted: true)
        }
    }

    private mutating func step(over separatorStart: Int?) {
        guard let separatorStart else {
            isDone = true
            return
        }
        offset = separatorStart + separator.count
    }
}

extension ByteBuffer {
    /// Appends a value without its quotes, doubled ones once.
    mutating func append(_ column: CSVScanner.Column, of bytes: RawSpan, quote: UInt8) {
        guard column.hasQuotes else {
            append(bytes, column.range)
            return
        }
        var start = column.range.lowerBound
        while let place = bytes.firstIndex(of: quote, in: start..<column.range.upperBound) {
            append(bytes, start..<place + 1)
            start = place + 2
        }
        append(bytes, start..<column.range.upperBound)
    }
}
