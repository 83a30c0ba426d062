import Common

/// Lists that nginx writes about upstream servers, such as `502, 200 : -`.
///
/// `, ` stands between the servers tried for one pass, ` : ` between passes (internal redirects).
enum UpstreamList {
    /// Appends the list as JSON, with null for `-` and for what is no number where one belongs.
    ///
    /// - Returns: false, and nothing is appended, when there was no upstream at all (`-` or nothing).
    static func append(
        _ bytes: RawSpan,
        _ range: Range<Int>,
        of element: NginxVariable.Element,
        to output: inout ByteBuffer
    ) -> Bool {
        guard !range.isEmpty, !isMissing(bytes, range) else { return false }
        output.append(UInt8(ascii: "["))
        var start = range.lowerBound
        while true {
            let (end, next) = endOfElement(bytes, start, range.upperBound)
            append(bytes, start..<end, as: element, to: &output)
            guard let next else { break }
            output.append(UInt8(ascii: ","))
            start = next
        }
        output.append(UInt8(ascii: "]"))
        return true
    }

    /// The elements of a list one by one, `-` among them.
    struct Elements {
        private var start: Int?
        private let end: Int

        init(_ range: Range<Int>) {
            start = range.lowerBound
            end = range.upperBound
        }

        mutating func next(_ bytes: RawSpan) -> Range<Int>? {
            guard let first = start else { return nil }
            let (stop, next) = endOfElement(bytes, first, end)
            start = next
            return first..<stop
        }
    }

    /// Where the element at `start` ends, and where the next one begins.
    private static func endOfElement(_ bytes: RawSpan, _ start: Int, _ end: Int) -> (end: Int, next: Int?) {
        var index = start
        while index < end {
            if bytes[index] == UInt8(ascii: ","), bytes.has(", ", at: index) { return (index, index + 2) }
            if bytes[index] == 0x20, bytes.has(" : ", at: index) { return (index, index + 3) }
            index += 1
        }
        return (end, nil)
    }

    private static func append(
        _ bytes: RawSpan,
        _ range: Range<Int>,
        as element: NginxVariable.Element,
        to output: inout ByteBuffer
    ) {
        if !isMissing(bytes, range), !range.isEmpty {
            switch element {
            case .address:
                output.append(UInt8(ascii: "\""))
                output.append(jsonEscaped: bytes, range)
                output.append(UInt8(ascii: "\""))
                return
            case .integer:
                if let number = Decimal.integer(bytes, range) {
                    output.append(decimal: number)
                    return
                }
            case .decimal:
                if isDecimal(bytes, range) {
                    output.append(bytes, range)
                    return
                }
            }
        }
        output.append("null")
    }

    private static func isMissing(_ bytes: RawSpan, _ range: Range<Int>) -> Bool {
        range.count == 1 && bytes[range.lowerBound] == UInt8(ascii: "-")
    }

    /// Whether the text is a JSON number of the kind `0.121`.
    private static func isDecimal(_ bytes: RawSpan, _ range: Range<Int>) -> Bool {
        let point = bytes.firstIndex(of: UInt8(ascii: "."), in: range) ?? range.upperBound
        let whole = range.lowerBound..<point
        guard bytes.areDigits(whole), whole.count == 1 || bytes[whole.lowerBound] != UInt8(ascii: "0") else {
            return false
        }
        return point == range.upperBound || bytes.areDigits(point + 1..<range.upperBound)
    }
}
