/// A leaf of a YAML document: its text, and whether it was marked as text.
package struct YAMLScalar: Equatable, Sendable {
    /// What a plain scalar means by the core schema of YAML 1.2.
    package enum Value: Equatable, Sendable {
        case null
        case bool(Bool)
        /// Decimal digits with a `-` where negative, without leading zeros; any size.
        case integer(String)
        /// A number as JSON spells it.
        case decimal(String)
        case text
    }

    package let text: String
    /// Quoted, a block scalar or tagged `!!str`: text whatever it looks like.
    package let isQuoted: Bool

    package init(_ text: String, isQuoted: Bool) {
        self.text = text
        self.isQuoted = isQuoted
    }

    /// The text, short enough for a message.
    var excerpt: String { text.utf8.count > 64 ? String(text.prefix(61)) + "…" : text }

    /// What the scalar means (YAML 1.2.2, section 10.3.2).
    package var value: Value {
        if isQuoted { return .text }
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return .bool(true)
        case "false", "False", "FALSE": return .bool(false)
        default: break
        }
        if let digits = Self.integer(text) { return .integer(digits) }
        if let number = Self.decimal(text) { return .decimal(number) }
        return .text
    }

    /// The decimal digits of `[-+]?[0-9]+`, `0o…` or `0x…`; nil for other text.
    package static func integer(_ text: String) -> String? {
        for (prefix, radix) in [("0x", 16), ("0o", 8)] where text.hasPrefix(prefix) {
            let digits = text.dropFirst(2)
            guard digits.utf8.first != UInt8(ascii: "-"), digits.utf8.first != UInt8(ascii: "+") else {
                return nil
            }
            return UInt64(digits, radix: radix).map(String.init)
        }
        var digits = text.utf8[...]
        let isNegative = digits.first == UInt8(ascii: "-")
        if isNegative || digits.first == UInt8(ascii: "+") { digits.removeFirst() }
        guard !digits.isEmpty, digits.allSatisfy({ isDigit($0) }) else { return nil }
        while digits.count > 1, digits.first == UInt8(ascii: "0") { digits.removeFirst() }
        let magnitude = String(decoding: digits, as: UTF8.self)
        return isNegative && magnitude != "0" ? "-" + magnitude : magnitude
    }

    /// The JSON spelling of `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`; nil for other text.
    static func decimal(_ text: String) -> String? {
        var rest = text.utf8[...]
        func take(_ isWanted: (UInt8) -> Bool) -> String {
            let taken = rest.prefix(while: isWanted)
            rest = rest.dropFirst(taken.count)
            return String(decoding: taken, as: UTF8.self)
        }
        func takeOne(of wanted: [UInt8]) -> UInt8? {
            guard let first = rest.first, wanted.contains(first) else { return nil }
            rest.removeFirst()
            return first
        }
        let signs = Array("-+".utf8)
        var number = takeOne(of: signs) == UInt8(ascii: "-") ? "-" : ""
        let whole = take(isDigit)
        let fraction = takeOne(of: [UInt8(ascii: ".")]) == nil ? "" : take(isDigit)
        guard !whole.isEmpty || !fraction.isEmpty else { return nil }
        let significant = whole.drop(while: { $0 == "0" })
        number += significant.isEmpty ? "0" : String(significant)
        if !fraction.isEmpty { number += "." + fraction }
        if takeOne(of: Array("eE".utf8)) != nil {
            number += takeOne(of: signs) == UInt8(ascii: "-") ? "e-" : "e"
            let exponent = take(isDigit)
            guard !exponent.isEmpty else { return nil }
            number += exponent
        }
        return rest.isEmpty ? number : nil
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= 48 && byte <= 57 }
}
