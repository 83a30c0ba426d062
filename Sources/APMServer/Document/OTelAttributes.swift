import Common

/// The known attributes of one event.
struct OTelAttributes {
    private var values = [FieldValue](repeating: .absent, count: OTelAttribute.allCases.count)
    /// Whether any attribute is a label.
    private(set) var hasLabels = false

    /// The value; absent when there is none or an empty string.
    subscript(attribute: OTelAttribute) -> FieldValue { values[Int(attribute.rawValue)] }

    /// Takes the known ones of `object`, strings cut to what documents hold.
    mutating func read(_ object: FieldValue, _ line: RawSpan, isTransaction: Bool, _ text: inout OTelText) {
        for index in values.indices { values[index] = .absent }
        hasLabels = false
        var reader = ListReader(object)
        while let member = reader.nextMember(line) {
            guard member.value.isGiven else { continue }
            let attribute = OTelAttribute(member.key, member.value, line, isTransaction: isTransaction)
            guard let attribute else {
                hasLabels = true
                continue
            }
            hasLabels = hasLabels || attribute.isLabelToo(isTransaction: isTransaction)
            guard !(member.value.isString && member.value.isEmpty) else { continue }
            values[Int(attribute.rawValue)] = text.cut(member.value)
        }
    }
}

extension OTelAttribute {
    /// What the attribute is; nil for those that become labels, known ones with values of another type among them.
    init?(_ key: FieldValue, _ value: FieldValue, _ line: RawSpan, isTransaction: Bool) {
        guard key.kind == .string, let meaning = Self.names[line, key.range],
            let attribute = isTransaction ? meaning.transaction : meaning.span
        else { return nil }
        guard attribute.accepts(value, line) else { return nil }
        self = attribute
    }

    /// Whether it is a label besides what it is.
    func isLabelToo(isTransaction: Bool) -> Bool {
        isTransaction && (self == .messagingSystem || self == .messagingOperation)
    }

    private func accepts(_ value: FieldValue, _ line: RawSpan) -> Bool {
        switch self {
        case .httpStatusCode, .hostPort, .peerPort: value.integer(line) != nil
        case .messagingIsTemporary: value.bool != nil
        case .profilerStackTraceIDs: value.kind == .array
        default: value.isString
        }
    }
}

extension ByteBuffer {
    /// Appends the attributes that are labels as members of an object.
    ///
    /// Strings are cut; arrays keep what is of the type of their first element; objects are no labels.
    mutating func append(otelLabels object: FieldValue, _ line: RawSpan, isTransaction: Bool) {
        var reader = ListReader(object)
        while let member = reader.nextMember(line) {
            let attribute = OTelAttribute(member.key, member.value, line, isTransaction: isTransaction)
            if let attribute, !attribute.isLabelToo(isTransaction: isTransaction) { continue }
            // What a server's procedure is called is the transaction's name.
            if isTransaction, line.hasPrefix("rpc.", member.key.range) { continue }
            let mark = count
            separate()
            append(member.key, line)
            append(UInt8(ascii: ":"))
            if !append(otelValue: member.value, line) { truncate(to: mark) }
        }
    }

    /// Appends the members of an object as they are.
    mutating func append(labels object: FieldValue, _ line: RawSpan) {
        var reader = ListReader(object)
        while let member = reader.nextMember(line) {
            guard member.value.isGiven else { continue }
            separate()
            append(member.key, line)
            append(UInt8(ascii: ":"))
            append(member.value, line)
        }
    }

    private mutating func append(otelValue value: FieldValue, _ line: RawSpan) -> Bool {
        switch value.kind {
        case .absent, .object: return false
        case .string, .escapedString: append(cut: value, line)
        case .array: return append(otelList: value, line)
        case .number, .true, .false: append(value, line)
        }
        return true
    }

    private mutating func append(otelList value: FieldValue, _ line: RawSpan) -> Bool {
        append(UInt8(ascii: "["))
        var reader = ListReader(value)
        var first: FieldValue?
        while let element = reader.next(line) {
            guard element.isGiven, element.kind != .object, element.kind != .array else { continue }
            if let first, !first.isSameType(as: element) { continue }
            first = first ?? element
            separate()
            switch element.kind {
            case .true: append(#""true""# as StaticString)
            case .false: append(#""false""# as StaticString)
            case .number: append(element, line)
            default: append(cut: element, line)
            }
        }
        append(UInt8(ascii: "]"))
        return first != nil
    }

    private mutating func append(cut value: FieldValue, _ line: RawSpan) {
        append(UInt8(ascii: "\""))
        let start = value.range.lowerBound
        append(line, start..<line.endOfCharacters(TextLimit.keyword, value.range))
        append(UInt8(ascii: "\""))
    }
}

extension FieldValue {
    fileprivate func isSameType(as other: FieldValue) -> Bool {
        (isString && other.isString) || (bool != nil && other.bool != nil) || kind == other.kind
    }
}

extension RawSpan {
    fileprivate func hasPrefix(_ prefix: StaticString, _ range: Range<Int>) -> Bool {
        let length = prefix.utf8CodeUnitCount
        return range.count >= length && equals(prefix, range.lowerBound..<range.lowerBound + length)
    }
}
