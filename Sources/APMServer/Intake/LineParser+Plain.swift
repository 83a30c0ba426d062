import Common

/// Values without known objects in them.
extension LineParser {
    mutating func integer(_ rule: ValueRule, _ line: RawSpan) throws(JSONError) -> FieldValue {
        let start = reader.offset
        let value = FieldValue(.number, try reader.value(line))
        guard value.integer(line) != nil else {
            reader.offset = start
            throw mismatch("an integer")
        }
        if rule.minimum != nil, !value.follows(rule, line) { refuse() }
        return value
    }

    mutating func number(_ rule: ValueRule, _ line: RawSpan) throws(JSONError) -> FieldValue {
        let start = reader.offset
        let value = FieldValue(.number, try reader.value(line))
        if line[start] == UInt8(ascii: "-"), !value.follows(rule, line) { refuse() }
        if value.isTooLargeForDouble(line) {
            reader.offset = start
            throw mismatch("a number that a double can hold")
        }
        return value
    }

    mutating func bool(_ line: RawSpan) throws(JSONError) -> FieldValue {
        let isTrue = line[reader.offset] == UInt8(ascii: "t")
        return FieldValue(isTrue ? .true : .false, try reader.value(line))
    }

    mutating func timestamp(_ kind: JSONReader.Kind, _ line: RawSpan) throws(JSONError) -> FieldValue {
        let start = reader.offset
        if kind == .number || kind == .string {
            let value = try anything(kind, line, depth: 0)
            if value.time(line) != nil { return value }
            reader.offset = start
        }
        throw mismatch("integer microseconds or an RFC 3339 time")
    }

    /// Any value but null.
    mutating func anything(
        _ kind: JSONReader.Kind,
        _ line: RawSpan,
        depth: Int
    ) throws(JSONError) -> FieldValue {
        switch kind {
        case .string: FieldValue(try reader.string(line))
        case .bool: try bool(line)
        case .number: FieldValue(.number, try reader.value(line))
        case .object: FieldValue(.object, try reader.value(line, depth: depth))
        case .array: FieldValue(.array, try reader.value(line, depth: depth))
        case .null: .absent
        }
    }

    /// An array of strings or numbers; one without elements counts as not given.
    mutating func plainList(_ rule: ValueRule, _ line: RawSpan) throws(JSONError) -> FieldValue {
        let start = reader.offset
        var isFirst = true
        try reader.beginArray(line)
        while try nextElement(line, isFirst: &isFirst) {
            if rule.kind == .texts, let range = reader.plainString(line) {
                if rule.maxLength > 0, range.count > Int(rule.maxLength) { refuse() }
                continue
            }
            let kind = try reader.kind(line)
            switch (rule.kind, kind) {
            case (_, .null): _ = try reader.value(line)
            case (.texts, .string):
                if !FieldValue(try reader.string(line)).follows(rule, line) { refuse() }
            case (.integers, .number): _ = try integer(rule, line)
            case (.numbers, .number): _ = try number(rule, line)
            default: throw mismatch(rule.kind == .texts ? "a string" : "a number")
            }
        }
        return isFirst ? .absent : FieldValue(.array, start..<reader.offset)
    }

    /// An object whose keys are free; one without members counts as not given.
    mutating func openObject(_ rule: ValueRule, _ line: RawSpan, depth: Int) throws(JSONError) -> FieldValue {
        guard depth < JSONReader.maxDepth else { throw JSONError(.tooDeep, at: reader.offset) }
        let start = reader.offset
        var isFirst = true
        try reader.beginObject(line)
        while try hasMember(line, isFirst: &isFirst) {
            switch rule.kind {
            case .labels: try label(rule, line, depth: depth + 1)
            case .headers where reader.plainString(line) != nil: break
            case .headers: try header(line)
            case .marks: try markGroup(line, depth: depth + 1)
            default: _ = try reader.value(line, depth: depth + 1)
            }
        }
        return isFirst ? .absent : FieldValue(.object, start..<reader.offset)
    }

    /// A string, Boolean or number, or null.
    private mutating func label(_ rule: ValueRule, _ line: RawSpan, depth: Int) throws(JSONError) {
        if let range = reader.plainString(line) {
            if range.count > Int(rule.maxLength) { refuse() }
            return
        }
        switch try reader.kind(line) {
        case .string:
            let text = try reader.string(line)
            if text.range.count > Int(rule.maxLength), !FieldValue(text).follows(rule, line) { refuse() }
        case .object, .array:
            refuse()
            _ = try reader.value(line, depth: depth)
        case .bool, .null: _ = try reader.value(line)
        case .number: _ = try number(.number, line)
        }
    }

    /// A string, or an array of strings.
    private mutating func header(_ line: RawSpan) throws(JSONError) {
        switch try reader.kind(line) {
        case .string: _ = try reader.string(line)
        case .array:
            var isFirst = true
            try reader.beginArray(line)
            while try nextElement(line, isFirst: &isFirst) {
                guard try reader.kind(line) == .string else { throw mismatch("a string") }
                _ = try reader.string(line)
            }
        default: throw mismatch("a string or an array of strings")
        }
    }

    /// An object of numbers, or null.
    private mutating func markGroup(_ line: RawSpan, depth: Int) throws(JSONError) {
        switch try reader.kind(line) {
        case .null: _ = try reader.value(line)
        case .object:
            var isFirst = true
            try reader.beginObject(line)
            while try hasMember(line, isFirst: &isFirst) {
                switch try reader.kind(line) {
                case .null: _ = try reader.value(line)
                case .number: _ = try number(.number, line)
                default: throw mismatch("a number")
                }
            }
        default: throw mismatch("an object")
        }
    }

    /// Whether another member of an object comes; its key may be anything.
    @inline(__always)
    private mutating func hasMember(_ line: RawSpan, isFirst: inout Bool) throws(JSONError) -> Bool {
        switch reader.plainStep(line, isFirst: &isFirst) {
        case .key: true
        case .end: false
        case nil: try reader.nextKey(line, isFirst: &isFirst) != nil
        }
    }

    /// Whether another element of an array comes.
    @inline(__always)
    mutating func nextElement(_ line: RawSpan, isFirst: inout Bool) throws(JSONError) -> Bool {
        if let isNext = reader.plainElement(line, isFirst: &isFirst) { return isNext }
        return try reader.nextElement(line, isFirst: &isFirst)
    }
}
