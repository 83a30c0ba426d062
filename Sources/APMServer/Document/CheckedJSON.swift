import Common

/// A cursor over JSON that was checked before, in the line it is a part of.
///
/// It holds offsets only, the line is an argument. It never fails.
struct CheckedJSON {
    /// Next byte to read.
    private var offset: Int
    private let end: Int

    /// - Parameter range: of one value.
    init(_ range: Range<Int>) {
        offset = range.lowerBound
        end = range.upperBound
    }

    /// The first byte of the value that follows; nil at the end.
    mutating func peek(_ line: RawSpan) -> UInt8? {
        skipSpace(line)
        return offset < end ? line[offset] : nil
    }

    /// Steps into an object or array; call `nextElement` until it answers false.
    mutating func begin() { offset = min(offset + 1, end) }

    /// Whether another element of the array, or key of the object, follows.
    ///
    /// Stands before it then, else behind the end of the array or object.
    mutating func nextElement(_ line: RawSpan) -> Bool {
        skipSpace(line)
        if offset < end, line[offset] == UInt8(ascii: ",") {
            offset += 1
            skipSpace(line)
        }
        guard offset < end else { return false }
        guard line[offset] | 0x20 == UInt8(ascii: "}") else { return true }
        offset += 1
        return false
    }

    /// Reads a key and the colon behind it.
    mutating func key(_ line: RawSpan) -> FieldValue {
        let key = line.checkedValue(&offset)
        skipSpace(line)
        offset = min(offset + 1, end)
        return key
    }

    /// Moves behind any value, and answers what and where it is.
    mutating func value(_ line: RawSpan) -> FieldValue {
        skipSpace(line)
        return offset < end ? line.checkedValue(&offset) : .absent
    }

    private mutating func skipSpace(_ line: RawSpan) {
        while offset < end {
            let byte = line[offset]
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
            offset += 1
        }
    }
}
