import Common

/// Walks the elements of a list, or the members of an object, that a field holds.
///
/// The line was decoded, so its JSON is known to be good.
struct ListReader {
    private var reader: JSONReader
    private var isFirst = true
    private var isDone = false
    private let isObject: Bool

    /// - Parameter value: an array or an object; of anything else there are no elements.
    init(_ value: FieldValue) {
        isObject = value.kind == .object
        reader = JSONReader(offset: Int(value.start) + 1)
        isDone = !(isObject || value.kind == .array)
    }

    /// The next element of an array; nil at its end.
    mutating func next(_ line: RawSpan) -> FieldValue? {
        guard !isDone else { return nil }
        do throws(JSONError) {
            if try reader.nextElement(line, isFirst: &isFirst) { return try value(line) }
        } catch { assertionFailure("ListReader: not the JSON that was decoded: \(error)") }
        isDone = true
        return nil
    }

    /// The next member of an object; nil at its end.
    ///
    /// Values that are null come as absent ones.
    mutating func nextMember(_ line: RawSpan) -> (key: FieldValue, value: FieldValue)? {
        guard !isDone else { return nil }
        do throws(JSONError) {
            if let key = try reader.nextKey(line, isFirst: &isFirst) {
                return (FieldValue(key), try value(line))
            }
        } catch { assertionFailure("ListReader: not the JSON that was decoded: \(error)") }
        isDone = true
        return nil
    }

    private mutating func value(_ line: RawSpan) throws(JSONError) -> FieldValue {
        let kind = try reader.kind(line)
        if kind == .string { return FieldValue(try reader.string(line)) }
        let isTrue = line[reader.offset] == UInt8(ascii: "t")
        let range = try reader.value(line)
        switch kind {
        case .object: return FieldValue(.object, range)
        case .array: return FieldValue(.array, range)
        case .number: return FieldValue(.number, range)
        case .bool: return FieldValue(isTrue ? .true : .false, range)
        case .string, .null: return .absent
        }
    }
}

extension FieldValue {
    @inline(__always)
    init(_ kind: Kind, _ range: Range<Int>) {
        self.init(
            kind: kind,
            start: UInt32(truncatingIfNeeded: range.lowerBound),
            end: UInt32(truncatingIfNeeded: range.upperBound)
        )
    }

    @inline(__always)
    init(_ text: JSONReader.Text) {
        self.init(text.hasEscapes ? .escapedString : .string, text.range)
    }
}
