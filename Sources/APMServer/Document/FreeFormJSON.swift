import Common
import Glibc

extension ByteBuffer {
    /// A member with what agents may fill as they like (`custom`, `attributes`, `vars`, `env`, `cookies`, a body).
    ///
    /// Nulls, empty objects and empty arrays are left out, at every depth; so is the member when nothing is left.
    /// Numbers become what a double holds of them. Of members of one name the first counts: Elasticsearch refuses
    /// documents with two.
    ///
    /// - Parameters:
    ///   - value: a value that was checked to be JSON; strings and numbers are taken too.
    ///   - sanitizesKeys: whether `.`, `*` and `"` in the keys of the outermost object become `_`.
    mutating func freeForm(
        _ key: StaticString,
        _ value: FieldValue,
        _ line: RawSpan,
        sanitizesKeys: Bool = false
    ) {
        switch value.kind {
        case .object, .array:
            let mark = count
            self.key(key)
            var copier = FreeFormJSON(value.range)
            if !copier.copyValue(line, into: &self, sanitizesKeys: sanitizesKeys) { truncate(to: mark) }
        case .number:
            self.key(key)
            append(double: line, value.range)
        default: member(key, value, line)
        }
    }

    /// Appends the JSON number `bytes[range]` as a double: with no more digits than a double tells apart.
    ///
    /// Beyond the largest double it is that one.
    mutating func append(double bytes: RawSpan, _ range: Range<Int>) {
        if bytes.isExactDouble(range) {
            append(bytes, range)
        } else {
            append(bytes.double(range))
        }
    }

    /// Appends the shortest JSON number that reads as `value`, the nearest finite double where it is none.
    mutating func append(_ value: Double) {
        let largest = Double.greatestFiniteMagnitude
        let finite = value.isNaN ? 0 : min(max(value, -largest), largest)
        if finite == finite.rounded(.towardZero), abs(finite) < 1e15 {
            append(decimal: Int64(finite))
        } else {
            append(finite.description)
        }
    }
}

extension RawSpan {
    /// The JSON number `self[range]`; infinite when it is larger than any double.
    func double(_ range: Range<Int>) -> Double {
        // Fifteen digits and a power of ten up to 22 are exact, so one operation rounds as it should.
        if let value = shortDouble(range) { return value }
        return withUnsafeTemporaryAllocation(byteCount: range.count + 1, alignment: 1) { text in
            withUnsafeBytes { text.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[range])) }
            text[range.count] = 0
            return text.withMemoryRebound(to: CChar.self) { $0.baseAddress.map { strtod($0, nil) } ?? 0 }
        }
    }

    /// Whether a double tells all digits of a number: at most fifteen, without an exponent.
    fileprivate func isExactDouble(_ range: Range<Int>) -> Bool {
        guard range.count <= 16 else { return false }
        var others = 0
        for index in range where self[index] &- 48 >= 10 {
            if self[index] | 0x20 == UInt8(ascii: "e") { return false }
            others += 1
        }
        return range.count - others <= 15
    }

    private func shortDouble(_ range: Range<Int>) -> Double? {
        guard range.count <= 16 else { return nil }
        var digits: Int64 = 0
        var scale = 1.0
        var isFraction = false
        var isNegative = false
        for index in range {
            let byte = self[index]
            if byte &- 48 < 10 {
                digits = digits &* 10
                digits = digits &+ Int64(byte &- 48)
                if isFraction { scale *= 10 }
            } else if byte == UInt8(ascii: ".") {
                isFraction = true
            } else if byte == UInt8(ascii: "-") {
                isNegative = true
            } else {
                return nil
            }
        }
        guard digits < 1_000_000_000_000_000 else { return nil }
        let value = Double(digits) / scale
        return isNegative ? -value : value
    }
}

/// Copies JSON that was checked before and leaves out what says nothing.
///
/// It holds an offset into the line; the line is an argument.
private struct FreeFormJSON {
    private var offset: Int
    private let end: Int
    private var depth = 0

    init(_ range: Range<Int>) {
        offset = range.lowerBound
        end = range.upperBound
    }

    /// Copies the value at the offset.
    ///
    /// - Returns: false when it says nothing; the buffer may then end in a part of it.
    mutating func copyValue(_ line: RawSpan, into buffer: inout ByteBuffer, sanitizesKeys: Bool) -> Bool {
        skipSpace(line)
        guard offset < end else { return false }
        switch line[offset] {
        case UInt8(ascii: "{"):
            return copyObject(line, into: &buffer, sanitizesKeys: sanitizesKeys)
        case UInt8(ascii: "["):
            return copyArray(line, into: &buffer)
        case UInt8(ascii: "\""):
            let start = offset
            _ = skipString(line)
            buffer.append(line, start..<offset)
            return true
        case UInt8(ascii: "n"):
            offset += 4
            return false
        default:
            let start = offset
            skipWord(line)
            if line[start] | 0x20 >= UInt8(ascii: "a") {
                buffer.append(line, start..<offset)
            } else {
                buffer.append(double: line, start..<offset)
            }
            return true
        }
    }

    private mutating func copyObject(
        _ line: RawSpan,
        into buffer: inout ByteBuffer,
        sanitizesKeys: Bool
    ) -> Bool {
        offset += 1
        depth += 1
        defer { depth -= 1 }
        var keys = SeenKeys()
        buffer.append(UInt8(ascii: "{"))
        while nextElement(line, close: UInt8(ascii: "}")) {
            let mark = buffer.count
            buffer.separate()
            let keyStart = buffer.count
            appendKey(line, into: &buffer, sanitizes: sanitizesKeys)
            let keyEnd = buffer.count
            skipSpace(line)
            offset += 1
            buffer.append(UInt8(ascii: ":"))
            let isKept =
                depth < JSONReader.maxDepth
                ? copyValue(line, into: &buffer, sanitizesKeys: false) : skipTooDeep()
            let isNew = isKept && buffer.withSpan { keys.insert($0, keyStart..<keyEnd) }
            if !isNew { buffer.truncate(to: mark) }
        }
        let isEmpty = buffer[buffer.count - 1] == UInt8(ascii: "{")
        buffer.append(UInt8(ascii: "}"))
        return !isEmpty
    }

    private mutating func copyArray(_ line: RawSpan, into buffer: inout ByteBuffer) -> Bool {
        offset += 1
        depth += 1
        defer { depth -= 1 }
        buffer.append(UInt8(ascii: "["))
        while nextElement(line, close: UInt8(ascii: "]")) {
            let mark = buffer.count
            buffer.separate()
            let isKept =
                depth < JSONReader.maxDepth
                ? copyValue(line, into: &buffer, sanitizesKeys: false) : skipTooDeep()
            if !isKept { buffer.truncate(to: mark) }
        }
        let isEmpty = buffer[buffer.count - 1] == UInt8(ascii: "[")
        buffer.append(UInt8(ascii: "]"))
        return !isEmpty
    }

    /// Ends the copy: the reader that checked the line goes no deeper either, so this is not reached by its lines.
    private mutating func skipTooDeep() -> Bool {
        offset = end
        return false
    }

    private mutating func appendKey(_ line: RawSpan, into buffer: inout ByteBuffer, sanitizes: Bool) {
        let start = offset
        let hasEscapes = skipString(line)
        guard sanitizes else { return buffer.append(line, start..<offset) }
        buffer.append(UInt8(ascii: "\""))
        buffer.append(sanitizedKey: line, start + 1..<offset - 1, hasEscapes: hasEscapes)
        buffer.append(UInt8(ascii: "\""))
    }

    // MARK: - Grammar

    /// Moves to the next element of an array or key of an object, or behind its end.
    private mutating func nextElement(_ line: RawSpan, close: UInt8) -> Bool {
        skipSpace(line)
        if offset < end, line[offset] == UInt8(ascii: ",") {
            offset += 1
            skipSpace(line)
        }
        guard offset < end else { return false }
        guard line[offset] == close else { return true }
        offset += 1
        return false
    }

    /// Moves behind a string; answers whether it has escapes.
    private mutating func skipString(_ line: RawSpan) -> Bool {
        var hasEscapes = false
        offset += 1
        while offset < end {
            offset = line.endOfPlainJSONText(from: offset, to: end)
            guard offset < end else { break }
            let byte = line[offset]
            if byte == UInt8(ascii: "\\") {
                hasEscapes = true
                offset += 2
            } else {
                offset += 1
                if byte == UInt8(ascii: "\"") { break }
            }
        }
        offset = min(offset, end)
        return hasEscapes
    }

    /// Moves behind a number, `true` or `false`.
    private mutating func skipWord(_ line: RawSpan) {
        while offset < end {
            switch line[offset] {
            case UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]"), 0x20, 0x09, 0x0A, 0x0D: return
            default: offset += 1
            }
        }
    }

    private mutating func skipSpace(_ line: RawSpan) {
        while offset < end {
            let byte = line[offset]
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
            offset += 1
        }
    }
}

extension ByteBuffer {
    /// Appends the inside of a JSON string that is a key, with `.`, `*` and `"` replaced by `_`: a dot would make
    /// nested objects of it, the others cannot be searched for.
    mutating func append(sanitizedKey bytes: RawSpan, _ range: Range<Int>, hasEscapes: Bool) {
        var index = range.lowerBound
        while index < range.upperBound {
            let byte = bytes[index]
            if byte == UInt8(ascii: "\\"), index + 1 < range.upperBound {
                index = appendSanitizedEscape(bytes, at: index)
                continue
            }
            let isReplaced = byte == UInt8(ascii: ".") || byte == UInt8(ascii: "*")
            append(isReplaced ? UInt8(ascii: "_") : byte)
            index += 1
        }
    }

    /// Appends the escape at `index`, or `_` when it stands for one of the three; answers where the text goes on.
    private mutating func appendSanitizedEscape(_ bytes: RawSpan, at index: Int) -> Int {
        let escape = bytes[index + 1]
        if escape == UInt8(ascii: "u"), let unit = bytes.hexadecimalUnit(at: index + 2) {
            if unit == 0x22 || unit == 0x2A || unit == 0x2E {
                append(UInt8(ascii: "_"))
            } else {
                append(bytes, index..<index + 6)
            }
            return index + 6
        }
        if escape == UInt8(ascii: "\"") {
            append(UInt8(ascii: "_"))
        } else {
            append(bytes, index..<index + 2)
        }
        return index + 2
    }
}

/// The keys of one object so far, as hashes.
private struct SeenKeys {
    private var few: [UInt64] = []
    private var many: Set<UInt64> = []

    /// Objects of agents have a handful of keys; beyond this a search of all of them would cost too much.
    private static let maxFew = 32

    /// - Returns: false when the key was there.
    mutating func insert(_ bytes: RawSpan, _ range: Range<Int>) -> Bool {
        let hash = XXHash64.hash(bytes, range)
        if !many.isEmpty { return many.insert(hash).inserted }
        guard !few.contains(hash) else { return false }
        few.append(hash)
        if few.count > Self.maxFew { many = Set(few) }
        return true
    }
}
