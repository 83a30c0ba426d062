import Common

/// Finds the first rule that a line breaks, in the order of the schema, and says so in the words that agents know.
///
/// Slow, for lines that are refused. The line has been decoded, so its JSON is good.
struct ViolationFinder {
    private let objects: UnsafePointer<CompiledObject>

    init(_ schema: CompiledSchema) { objects = schema.objects }

    /// The first violation of the line's root object; nil if it is valid.
    func violation(_ root: Int, _ line: RawSpan) -> String? {
        var reader = JSONReader()
        guard (try? reader.kind(line)) == .object else { return nil }
        return violation(root, line, at: reader.offset, mustBeGiven: true)
    }

    /// - Parameter mustBeGiven: whether the rules also hold for an object without known members.
    private func violation(
        _ index: Int,
        _ line: RawSpan,
        at offset: Int,
        mustBeGiven: Bool = false
    ) -> String? {
        let object = objects[index]
        let given = values(object, line, at: offset)
        guard mustBeGiven || given.contains(where: \.isGiven) else { return nil }
        return violation(object, given, line)
    }

    private func violation(_ object: CompiledObject, _ given: [FieldValue], _ line: RawSpan) -> String? {
        for (member, value) in zip(object.allMembers, given) {
            if let violation = violation(member, value, line) { return violation }
        }
        let mask = object.mask(of: given)
        for rule in object.rules where rule.isBroken(mask) { return rule.message(object, mask) }
        return nil
    }

    private func violation(_ member: CompiledMember, _ value: FieldValue, _ line: RawSpan) -> String? {
        guard value.isGiven else { return member.isRequired ? "'\(member.key)' required" : nil }
        switch member.rule.kind {
        case .object, .element:
            return violation(member.object, line, at: Int(value.start)).map { "\(member.key): \($0)" }
        case .elements: return elementViolation(member, value, line)
        case .namedElements: return namedElementViolation(member, value, line)
        case .labels: return labelViolation(member, value, line)
        case .texts, .integers, .numbers:
            var list = ListReader(value)
            while let element = list.next(line) {
                if let rule = element.broken(member.rule, line) { return member.message(rule) }
            }
            return nil
        default: return value.broken(member.rule, line).map { member.message($0) }
        }
    }

    private func elementViolation(_ member: CompiledMember, _ list: FieldValue, _ line: RawSpan) -> String? {
        var list = ListReader(list)
        while let element = list.next(line) {
            let object = objects[member.object]
            let given = element.isGiven ? values(object, line, at: Int(element.start)) : []
            if given.contains(where: \.isGiven) {
                if let violation = violation(object, given, line) { return "\(member.key): \(violation)" }
            } else if member.rule.needsElements {
                return "\(member.key) slice element required"
            }
        }
        return nil
    }

    private func namedElementViolation(
        _ member: CompiledMember,
        _ samples: FieldValue,
        _ line: RawSpan
    ) -> String? {
        let object = objects[member.object]
        var list = ListReader(samples)
        while let (name, sample) = list.nextMember(line) {
            guard name.isSampleName(line) else {
                return member.message("patternKeys(patternNoAsteriskQuote)")
            }
            let given = sample.isGiven ? values(object, line, at: Int(sample.start)) : object.nothing
            if let violation = violation(object, given, line) { return "\(member.key): \(violation)" }
        }
        return nil
    }

    /// The rule that a label breaks.
    private func labelViolation(_ member: CompiledMember, _ labels: FieldValue, _ line: RawSpan) -> String? {
        var list = ListReader(labels)
        while let (key, value) = list.nextMember(line) {
            if value.kind == .object || value.kind == .array {
                return "\(member.message("inputTypesVals(string;bool;number)")) for key \(key.string(line))"
            }
            if value.broken(member.rule, line) != nil {
                return member.message("maxLengthVals(\(member.rule.maxLength))")
            }
        }
        return nil
    }

    /// The values of an object's members, in their order; those that do not count as given are absent.
    private func values(_ object: CompiledObject, _ line: RawSpan, at offset: Int) -> [FieldValue] {
        var given = object.nothing
        var offset = offset
        var list = ListReader(line.checkedValue(&offset))
        while let (key, value) = list.nextMember(line) {
            guard let member = object.member(line, key.text), isGiven(value, member.pointee, line) else {
                continue
            }
            given[member.pointee.bit.trailingZeroBitCount] = value
        }
        return given
    }

    /// Whether a value counts: containers only with something in them.
    private func isGiven(_ value: FieldValue, _ member: CompiledMember, _ line: RawSpan) -> Bool {
        guard value.isGiven else { return false }
        switch member.rule.kind {
        case .object, .element:
            return values(objects[member.object], line, at: Int(value.start)).contains(where: \.isGiven)
        case .labels, .headers, .free, .marks, .namedElements, .elements, .texts, .integers, .numbers:
            var list = ListReader(value)
            return value.kind == .array ? list.next(line) != nil : list.nextMember(line) != nil
        default: return true
        }
    }
}

extension CompiledMember {
    fileprivate func message(_ rule: String) -> String { "'\(key)': validation rule '\(rule)' violated" }
}

extension CompiledObject {
    /// The values of an object without known members.
    fileprivate var nothing: [FieldValue] { Array(repeating: .absent, count: count) }

    fileprivate func mask(of given: [FieldValue]) -> UInt64 {
        zip(allMembers, given).reduce(0) { $1.1.isGiven ? $0 | $1.0.bit : $0 }
    }

    /// Whether the member `key` is in `mask`.
    fileprivate func has(_ key: StaticString, _ mask: UInt64) -> Bool {
        allMembers.contains { $0.bit & mask != 0 && $0.key.description == key.description }
    }
}

extension CompiledRule {
    /// What an object with the members of `mask` lacks.
    fileprivate func message(_ object: CompiledObject, _ mask: UInt64) -> String {
        switch source {
        case .anyOf(let keys):
            let names = keys.map(\.description).joined(separator: ";")
            return "requires at least one of the fields '\(names)'"
        case .required(let key, let others):
            let cause = others.first { object.has($0, mask) } ?? key
            return "'\(key)' required when '\(cause)' is set"
        }
    }
}
