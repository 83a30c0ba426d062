import Common

/// What a text that was cut out of a line becomes in the document.
enum CaptureType: Sendable {
    case text, integer, real, boolean

    static let names = ["string", "int", "long", "integer", "float", "double", "boolean"]

    /// - Returns: nil for a name that is none of `names`.
    init?(_ name: String) {
        switch name {
        case "string": self = .text
        case "int", "long", "integer": self = .integer
        case "float", "double": self = .real
        case "boolean": self = .boolean
        default: return nil
        }
    }

    /// Writes `bytes[range]` in place of a value.
    ///
    /// As in Logstash, a number is read from the beginning of the text: `1.9` as an integer is 1, `abc` is 0. An integer
    /// of more than 64 bits, and what is no truth, stay text.
    ///
    /// - Returns: whether the whole text says such a value.
    @discardableResult
    func write(_ bytes: RawSpan, _ range: Range<Int>, to node: Record.Node, of record: Record) -> Bool {
        switch self {
        case .text:
            record.replace(node, text: bytes, range)
            return true
        case .integer: return Self.writeInteger(bytes, range, node, record)
        case .real:
            let number = Self.number(bytes, range)
            record.replace(node, double: number.value)
            return number.isWhole
        case .boolean:
            guard let value = Self.truth(bytes, range) else {
                record.replace(node, text: bytes, range)
                return false
            }
            record.replace(node, bool: value)
            return true
        }
    }

    private static func writeInteger(
        _ bytes: RawSpan,
        _ range: Range<Int>,
        _ node: Record.Node,
        _ record: Record
    ) -> Bool {
        var start = range.lowerBound
        while start < range.upperBound, bytes[start] == 0x20 || bytes[start] == 0x09 { start += 1 }
        if start < range.upperBound, bytes[start] == UInt8(ascii: "+") { start += 1 }
        var end = start
        if end < range.upperBound, bytes[end] == UInt8(ascii: "-") { end += 1 }
        let digits = end
        while end < range.upperBound, bytes[end] &- 48 < 10 { end += 1 }
        guard end > digits else {
            record.replace(node, integer: 0)
            return false
        }
        // Zeros in front make a number long, but not large.
        var first = digits
        while first < end - 1, bytes[first] == 48 { first += 1 }
        guard let value = Decimal.integer(bytes, first..<end) else {
            record.replace(node, text: bytes, range)
            return false
        }
        record.replace(node, integer: digits > start ? -value : value)
        return end == range.upperBound
    }

    /// The number at the beginning of a text; 0 when there is none.
    private static func number(_ bytes: RawSpan, _ range: Range<Int>) -> (value: Double, isWhole: Bool) {
        var index = range.lowerBound
        let end = range.upperBound
        func digits() {
            while index < end, bytes[index] &- 48 < 10 { index += 1 }
        }
        while index < end, bytes[index] == 0x20 || bytes[index] == 0x09 { index += 1 }
        let start = index
        if index < end, bytes[index] == UInt8(ascii: "-") || bytes[index] == UInt8(ascii: "+") { index += 1 }
        let whole = index
        digits()
        var count = index - whole
        if index < end, bytes[index] == UInt8(ascii: ".") {
            index += 1
            digits()
            count = index - whole - 1
        }
        guard count > 0 else { return (0, false) }
        let mantissa = index
        if index < end, bytes[index] | 0x20 == UInt8(ascii: "e") {
            index += 1
            if index < end, bytes[index] == UInt8(ascii: "-") || bytes[index] == UInt8(ascii: "+") {
                index += 1
            }
            let exponent = index
            digits()
            if index == exponent { index = mantissa }
        }
        // More digits than any number needs are hostile, and reading them takes time.
        guard index - start <= 400, let value = Double(bytes.text(start..<index)) else { return (0, false) }
        return (value, index == end)
    }

    private static func truth(_ bytes: RawSpan, _ range: Range<Int>) -> Bool? {
        guard range.count <= 5 else { return nil }
        switch bytes.text(range).lowercased() {
        case "true", "t", "yes", "y", "on", "1", "1.0": return true
        case "false", "f", "no", "n", "off", "0", "0.0": return false
        default: return nil
        }
    }
}
