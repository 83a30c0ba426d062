/// Cuts a condition into words.
struct ConditionLexer {
    enum Token: Equatable {
        /// The name of a field, or a word such as `and`; `[a][b]` arrives whole.
        case name(String)
        case text(String)
        /// `/pattern/`
        case pattern(String)
        case number(String)
        /// `==` and its kin, brackets and commas.
        case symbol(String)
        case end
    }

    /// Longest first.
    private static let symbols = [
        "==", "!=", "<=", ">=", "=~", "!~", "&&", "||", "<", ">", "!", "(", ")", "[", "]", ",",
    ]

    private let text: [Character]
    private(set) var offset = 0
    /// Where the last token began, counted from 1.
    private(set) var column = 1

    init(_ text: String) { self.text = Array(text) }

    /// The next token.
    ///
    /// - Parameter wantsPattern: whether a slash begins a pattern here.
    mutating func next(wantsPattern: Bool = false) throws(ConditionError) -> Token {
        while offset < text.count, text[offset].isWhitespace { offset += 1 }
        column = offset + 1
        guard offset < text.count else { return .end }
        let first = text[offset]
        if first == "\"" || first == "'" { return .text(try quoted(until: first)) }
        if wantsPattern, first == "/" { return .pattern(try quoted(until: first)) }
        if first == "[", let name = bracketed() { return .name(name) }
        if first.isNumber || first == "-" { return .number(take { $0.isNumber || "+-.eE".contains($0) }) }
        if Self.isNameStart(first) {
            return .name(take { Self.isNameStart($0) || $0.isNumber || $0 == "-" || $0 == "." })
        }
        for symbol in Self.symbols where text[offset...].starts(with: symbol) {
            offset += symbol.count
            return .symbol(symbol)
        }
        let hint = first == "=" ? "; write == or =~" : first == "&" || first == "|" ? "; write and, or" : ""
        throw ConditionError(column: column, reason: "\"\(first)\" is not understood here\(hint)")
    }

    private static func isNameStart(_ character: Character) -> Bool {
        character.isLetter || character == "_" || character == "@"
    }

    private mutating func take(_ belongs: (Character) -> Bool) -> String {
        let start = offset
        while offset < text.count, belongs(text[offset]) { offset += 1 }
        return String(text[start..<offset])
    }

    /// Text up to the closing quote, which a backslash lets stand in the text.
    private mutating func quoted(until quote: Character) throws(ConditionError) -> String {
        var value = ""
        offset += 1
        while offset < text.count, text[offset] != quote {
            // In patterns, and in front of all but quotes and itself, the backslash stays.
            if text[offset] == "\\", offset + 1 < text.count,
                text[offset + 1] == quote || (text[offset + 1] == "\\" && quote != "/")
            {
                offset += 1
            }
            value.append(text[offset])
            offset += 1
        }
        guard offset < text.count else {
            throw ConditionError(column: column, reason: "the \(quote) is not closed")
        }
        offset += 1
        return value
    }

    /// `[a][b]` as a whole; nil for the opening of a list.
    private mutating func bracketed() -> String? {
        var end = offset
        while end < text.count, text[end] == "[" {
            var close = end + 1
            while close < text.count,
                Self.isNameStart(text[close]) || text[close].isNumber || ".-".contains(text[close])
            {
                close += 1
            }
            guard close < text.count, text[close] == "]", close > end + 1,
                !text[end + 1].isNumber || end > offset
            else { return nil }
            end = close + 1
        }
        defer { offset = end }
        return String(text[offset..<end])
    }
}

/// What is wrong with a condition, and where.
struct ConditionError: Error, Equatable {
    /// Counts characters of the condition from 1.
    let column: Int
    let reason: String
}
