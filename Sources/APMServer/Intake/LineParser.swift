import Common

/// Reads a line by the compiled schema: stores values as ranges, and notices whether anything is invalid.
///
/// What exactly is invalid is left to `ViolationFinder`: hardly any line is.
struct LineParser {
    /// Position in the line at hand.
    var reader = JSONReader()
    /// Whether the line breaks a rule; what it is made of can still be decoded.
    private(set) var isInvalid = false
    /// What a value that could not be decoded should have been; nil when it is no JSON.
    private(set) var expected: StaticString?
    /// The keys that lead to it, innermost first.
    private(set) var path: [StaticString] = []
    /// Whether the line is known to be valid, so that lists need not be looked into.
    private(set) var isTrusted = false
    private let objects: UnsafePointer<CompiledObject>
    let scratch = Scratch()

    init(_ schema: CompiledSchema) { objects = schema.objects }

    /// Starts with another line, or an element of one.
    mutating func begin(at offset: Int, isTrusted: Bool) {
        reader = JSONReader(offset: offset)
        self.isTrusted = isTrusted
        isInvalid = false
        expected = nil
        if !path.isEmpty { path.removeAll(keepingCapacity: true) }
    }

    /// Reads a known object into `values`.
    ///
    /// - Returns: whether it is given, that is whether any known member is.
    mutating func object(
        _ index: Int,
        _ line: RawSpan,
        _ values: UnsafeMutablePointer<FieldValue>,
        depth: Int
    ) throws(JSONError) -> Bool {
        guard depth < JSONReader.maxDepth else { throw JSONError(.tooDeep, at: reader.offset) }
        let object = objects + index
        var given: UInt64 = 0
        var isFirst = true
        try reader.beginObject(line)
        while let key = try nextKey(object, line, isFirst: &isFirst) {
            guard let member = key.member else {
                _ = try reader.value(line, depth: depth + 1)
                continue
            }
            do throws(JSONError) {
                if try value(member, line, values, depth: depth + 1) { given |= member.pointee.bit }
            } catch {
                path.append(member.pointee.key)
                throw error
            }
        }
        guard given != 0 else { return false }
        let required = object.pointee.required
        if given & required != required { isInvalid = true }
        for rule in object.pointee.rules where rule.isBroken(given) { isInvalid = true }
        return true
    }

    /// The next key of an object: the member it names, or none; nil at the object's end.
    @inline(__always)
    private mutating func nextKey(
        _ object: UnsafePointer<CompiledObject>,
        _ line: RawSpan,
        isFirst: inout Bool
    ) throws(JSONError) -> Key? {
        switch reader.plainStep(line, isFirst: &isFirst) {
        case .end: return nil
        case .key(let words, let start):
            return Key(member: object.pointee.member(words, line, start..<start + words.length))
        case nil:
            guard let key = try reader.nextKey(line, isFirst: &isFirst) else { return nil }
            return Key(member: object.pointee.member(line, key))
        }
    }

    private struct Key {
        var member: UnsafePointer<CompiledMember>?
    }

    /// Reads one member's value.
    ///
    /// - Returns: whether it is given.
    @inline(__always)
    private mutating func value(
        _ member: UnsafePointer<CompiledMember>,
        _ line: RawSpan,
        _ values: UnsafeMutablePointer<FieldValue>,
        depth: Int
    ) throws(JSONError) -> Bool {
        var value = plainValue(member, line)
        if !value.isGiven {
            let kind = try reader.kind(line)
            if member.pointee.rule.kind == .object, kind == .object {
                return try object(member.pointee.object, line, values, depth: depth)
            }
            value = try anyValue(member, kind, line, depth: depth)
            guard value.isGiven else { return false }
        }
        if member.pointee.yields, values[member.pointee.field].isGiven { return true }
        values[member.pointee.field] = value
        return true
    }

    /// Nearly every value: a plain string or number.
    ///
    /// Anything else is not read and comes out absent.
    @inline(__always)
    private mutating func plainValue(
        _ member: UnsafePointer<CompiledMember>,
        _ line: RawSpan
    ) -> FieldValue {
        switch member.pointee.rule.kind {
        case .text:
            guard let range = reader.plainString(line) else { return .absent }
            let value = FieldValue(.string, range)
            if range.count > member.pointee.plainBytes { check(value, member.pointee.rule, line) }
            return value
        case .integer, .number, .timestamp:
            let start = reader.offset
            guard let number = reader.plainNumber(line) else { return .absent }
            let value = FieldValue(.number, number.range)
            if member.pointee.rule.isKept(byPlain: number, line) { return value }
            reader.offset = start
            return .absent
        default: return .absent
        }
    }

    /// Any value, of which `kind` comes next; absent for null.
    private mutating func anyValue(
        _ member: UnsafePointer<CompiledMember>,
        _ kind: JSONReader.Kind,
        _ line: RawSpan,
        depth: Int
    ) throws(JSONError) -> FieldValue {
        if kind == .null {
            _ = try reader.value(line)
            return .absent
        }
        let rule = member.pointee.rule
        switch rule.kind {
        case .text:
            guard kind == .string else { throw mismatch("a string") }
            let value = FieldValue(try reader.string(line))
            if value.range.count > member.pointee.plainBytes { check(value, rule, line) }
            return value
        case .object: throw mismatch("an object")
        case .outcome:
            guard kind == .string else { throw mismatch("a string") }
            let value = FieldValue(try reader.string(line))
            if !value.follows(rule, line) { isInvalid = true }
            return value
        case .integer:
            guard kind == .number else { throw mismatch("an integer") }
            return try integer(rule, line)
        case .number:
            guard kind == .number else { throw mismatch("a number") }
            return try number(rule, line)
        case .bool:
            guard kind == .bool else { throw mismatch("true or false") }
            return try bool(line)
        case .timestamp: return try timestamp(kind, line)
        case .textOrInteger, .port, .textOrObject, .any:
            let value = try anything(kind, line, depth: depth)
            if !value.follows(rule, line) { isInvalid = true }
            return value
        case .texts, .integers, .numbers:
            guard kind == .array else { throw mismatch("an array") }
            return isTrusted ? container(line) : try plainList(rule, line)
        case .labels, .headers, .free, .marks:
            guard kind == .object else { throw mismatch("an object") }
            return isTrusted ? container(line) : try openObject(rule, line, depth: depth)
        case .element:
            guard kind == .object else { throw mismatch("an object") }
            return isTrusted
                ? container(line) : try element(member.pointee.object, line, depth: depth)
        case .elements:
            guard kind == .array else { throw mismatch("an array") }
            return isTrusted ? container(line) : try elements(member, line, depth: depth)
        case .namedElements:
            guard kind == .object else { throw mismatch("an object") }
            return isTrusted ? container(line) : try namedElements(member, line, depth: depth)
        }
    }

    /// Notes what the value at the current offset should have been.
    mutating func mismatch(_ expected: StaticString) -> JSONError {
        self.expected = expected
        return JSONError(.unexpectedByte, at: reader.offset)
    }

    /// Where and why decoding ended: `transaction.id: expected a string at byte 24`.
    func description(of error: JSONError) -> String {
        let keys = path.reversed().map(\.description).joined(separator: ".")
        let reason = expected.map { "expected \($0) at byte \(error.offset)" } ?? error.description
        return keys.isEmpty ? reason : "\(keys): \(reason)"
    }

    /// Notes that the line breaks a rule.
    mutating func refuse() { isInvalid = true }

    @inline(never)
    private mutating func check(_ value: FieldValue, _ rule: ValueRule, _ line: RawSpan) {
        if !value.follows(rule, line) { isInvalid = true }
    }
}

extension CompiledRule {
    /// Whether an object that has the members of `given` breaks the rule.
    @inline(__always)
    func isBroken(_ given: UInt64) -> Bool {
        (trigger == 0 || given & trigger != 0) && given & needed == 0
    }
}

/// Where the values of list elements go while they are only checked.
final class Scratch {
    let values = UnsafeMutablePointer<FieldValue>.allocate(capacity: Field.allCases.count)

    init() { values.initialize(repeating: .absent, count: Field.allCases.count) }

    deinit { values.deallocate() }
}
