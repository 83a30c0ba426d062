import Common

/// Whether a value that was decoded is also valid.
extension FieldValue {
    /// Whether it follows what `rule` says about one plain value.
    func follows(_ rule: ValueRule, _ line: RawSpan) -> Bool { broken(rule, line) == nil }

    /// The rule that it breaks, as agents know it; nil when it is valid.
    func broken(_ rule: ValueRule, _ line: RawSpan) -> String? {
        if let types = rule.kind.types, !types.allows(kind, line, range) { return types.text }
        if isString {
            if rule.maxLength > 0, line.endOfCharacters(Int(rule.maxLength), range) < range.upperBound {
                return "maxLength(\(rule.maxLength))"
            }
            if rule.minLength > 0, isEmpty { return "minLength(\(rule.minLength))" }
            if rule.hasPattern, !isAlphaNumericExtended(line) { return "pattern(patternAlphaNumericExt)" }
            if rule.kind == .outcome, !isOutcome(line) { return "enum(enumOutcome)" }
            if rule.kind == .port, Decimal.integer(line, range) == nil { return "targetType(int)" }
        }
        if kind == .number, let minimum = rule.minimum, isBelow(minimum, line) { return "min(\(minimum))" }
        return nil
    }

    /// Whether it may name a sample of a metricset: without `*` and `"`.
    func isSampleName(_ line: RawSpan) -> Bool {
        guard kind == .escapedString else {
            return line.firstIndex(of: UInt8(ascii: "*"), in: range) == nil
        }
        return string(line).utf8.allSatisfy { $0 != UInt8(ascii: "*") && $0 != UInt8(ascii: "\"") }
    }

    /// Whether it is a number with an exponent or very many digits that comes out as infinity.
    @inline(__always)
    func isTooLargeForDouble(_ line: RawSpan) -> Bool {
        guard range.count > 300 || range.contains(where: { line[$0] | 0x20 == UInt8(ascii: "e") }) else {
            return false
        }
        return line.double(range).isInfinite
    }

    private func isAlphaNumericExtended(_ line: RawSpan) -> Bool {
        if kind == .escapedString { return string(line).utf8.allSatisfy(\.isAlphaNumericExtended) }
        for index in range where !line[index].isAlphaNumericExtended { return false }
        return true
    }

    private func isOutcome(_ line: RawSpan) -> Bool {
        isEmpty || equals("success", line) || equals("failure", line) || equals("unknown", line)
    }

    private func isBelow(_ minimum: Int8, _ line: RawSpan) -> Bool {
        if let value = integer(line) { return value < Int64(minimum) }
        return double(line).map { $0 < Double(minimum) } ?? false
    }
}

extension ValueRule {
    /// Whether a number without exponent needs no closer look.
    @inline(__always)
    func isKept(byPlain number: (range: Range<Int>, isWhole: Bool), _ line: RawSpan) -> Bool {
        let digits = number.range.count
        switch kind {
        // Up to 18 digits fit an Int64.
        case .integer: return number.isWhole && digits <= 18 && minimum == nil
        // So many microseconds fit an Int64 as nanoseconds.
        case .timestamp:
            return number.isWhole && digits <= 16
                && (digits < 16 || line[number.range.lowerBound] <= UInt8(ascii: "8"))
        case .number:
            return digits <= 300 && (minimum == nil || line[number.range.lowerBound] != UInt8(ascii: "-"))
        default: return false
        }
    }
}

/// The types that values of some kinds may have.
private struct AllowedTypes {
    var text: String
    var allows: (FieldValue.Kind, RawSpan, Range<Int>) -> Bool
}

extension ValueRule.Kind {
    /// Nil for kinds whose values decode only if they have the right type, or may have any.
    fileprivate var types: AllowedTypes? {
        switch self {
        case .textOrInteger, .port:
            AllowedTypes(text: "inputTypes(string;int)") { kind, line, range in
                kind == .string || kind == .escapedString
                    || (kind == .number && Decimal.integer(line, range) != nil)
            }
        case .textOrObject:
            AllowedTypes(text: "inputTypes(string;object)") { kind, _, _ in
                kind == .string || kind == .escapedString || kind == .object
            }
        default: nil
        }
    }
}

extension UInt8 {
    fileprivate var isAlphaNumericExtended: Bool {
        switch self {
        case 48...57, 65...90, 97...122, UInt8(ascii: " "), UInt8(ascii: "_"), UInt8(ascii: "-"): true
        default: false
        }
    }
}
