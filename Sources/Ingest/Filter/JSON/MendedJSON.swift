import Common

extension ByteBuffer {
    /// Appends a line that should be a JSON object, with what log formats of web servers get wrong made right.
    ///
    /// A value that is missing or `-` becomes null, a bare value that is no JSON (`000`) a string, and a backslash that begins
    /// no escape (`\x16`) one of text. The result need not be JSON.
    mutating func append(mendedJSON line: RawSpan) {
        var index = 0
        let end = line.byteCount
        // Behind a colon comes a value.
        var isValue = false
        while index < end {
            let byte = line[index]
            if byte == UInt8(ascii: "\"") {
                index = append(mendedString: line, from: index)
                isValue = false
                continue
            }
            if isValue, !Self.isStructure(byte), byte > 0x20 {
                index = append(mendedValue: line, from: index)
                isValue = false
                continue
            }
            if isValue, byte == UInt8(ascii: ",") || byte == UInt8(ascii: "}") {
                append("null")
                isValue = false
            }
            if byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") { isValue = false }
            if byte == UInt8(ascii: ":") { isValue = true }
            append(byte)
            index += 1
        }
    }

    private static func isStructure(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: ","),
            UInt8(ascii: ":"):
            true
        default: false
        }
    }

    /// Appends a string with its quotes, and answers where the line goes on.
    private mutating func append(mendedString line: RawSpan, from start: Int) -> Int {
        append(UInt8(ascii: "\""))
        var index = start + 1
        while index < line.byteCount {
            let byte = line[index]
            index += 1
            if byte == UInt8(ascii: "\"") {
                append(byte)
                return index
            }
            if byte < 0x20 {
                append(jsonEscaped: line, index - 1..<index)
                continue
            }
            append(byte)
            guard byte == UInt8(ascii: "\\") else { continue }
            guard index < line.byteCount, Self.isEscape(line, at: index) else {
                append(UInt8(ascii: "\\"))
                continue
            }
            append(line[index])
            index += 1
        }
        return index
    }

    private static func isEscape(_ line: RawSpan, at index: Int) -> Bool {
        switch line[index] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            true
        case UInt8(ascii: "u"): line.hexadecimalUnit(at: index + 1) != nil
        default: false
        }
    }

    /// Appends a bare value, up to a comma or brace.
    private mutating func append(mendedValue line: RawSpan, from start: Int) -> Int {
        var end = start
        while end < line.byteCount, !Self.isStructure(line[end]) || line[end] == UInt8(ascii: ":") {
            end += 1
        }
        var stop = end
        while stop > start, line[stop - 1] <= 0x20 { stop -= 1 }
        if line.equals("-", start..<stop) {
            append("null")
            return end
        }
        var reader = JSONReader(offset: start)
        let value = try? reader.value(line)
        if value == start..<stop {
            append(line, start..<stop)
        } else {
            append(UInt8(ascii: "\""))
            append(jsonEscaped: line, start..<stop)
            append(UInt8(ascii: "\""))
        }
        return end
    }
}
