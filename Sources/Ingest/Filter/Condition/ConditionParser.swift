import Common

/// Reads a condition: `or` binds weaker than `and`, `and` weaker than `not`.
struct ConditionParser {
    /// Brackets and `not` in one another.
    private static let maxDepth = 64

    private var lexer: ConditionLexer
    private var token = ConditionLexer.Token.end
    private var depth = 0

    init(_ text: String) { lexer = ConditionLexer(text) }

    mutating func condition() throws(ConditionError) -> Condition.Expression {
        try advance()
        let expression = try alternatives()
        guard token == .end else { throw unexpected("expected and, or, or the end") }
        return expression
    }

    private mutating func advance(wantsPattern: Bool = false) throws(ConditionError) {
        token = try lexer.next(wantsPattern: wantsPattern)
    }

    private func unexpected(_ hint: String) -> ConditionError {
        let found =
            switch token {
            case .end: "the end"
            case .name(let text), .text(let text), .pattern(let text), .number(let text), .symbol(let text):
                "\"\(text)\""
            }
        return ConditionError(column: lexer.column, reason: "\(hint), found \(found)")
    }

    private func isWord(_ words: String...) -> Bool {
        switch token {
        case .name(let text), .symbol(let text): words.contains(text)
        default: false
        }
    }

    private mutating func alternatives() throws(ConditionError) -> Condition.Expression {
        var parts = [try conjunction()]
        while isWord("or", "||") {
            try advance()
            parts.append(try conjunction())
        }
        return parts.count == 1 ? parts[0] : .any(parts)
    }

    private mutating func conjunction() throws(ConditionError) -> Condition.Expression {
        var parts = [try negation()]
        while isWord("and", "&&") {
            try advance()
            parts.append(try negation())
        }
        return parts.count == 1 ? parts[0] : .all(parts)
    }

    private mutating func negation() throws(ConditionError) -> Condition.Expression {
        depth += 1
        defer { depth -= 1 }
        guard depth < Self.maxDepth else { throw unexpected("nested too deeply") }
        if isWord("not", "!") {
            try advance()
            return .not(try negation())
        }
        if token == .symbol("(") {
            try advance()
            let inner = try alternatives()
            try expect(")")
            return inner
        }
        return try comparison()
    }

    private mutating func comparison() throws(ConditionError) -> Condition.Expression {
        let left = try operand()
        if case .symbol(let symbol) = token {
            if let comparison = Condition.Comparison(rawValue: symbol) {
                try advance()
                return .compares(left, comparison, try operand())
            }
            if symbol == "=~" || symbol == "!~" {
                try advance(wantsPattern: true)
                let match = Condition.Expression.matches(left, try pattern())
                return symbol == "=~" ? match : .not(match)
            }
        }
        if token == .name("in") {
            try advance()
            return .isIn(left, try members())
        }
        if token == .name("not") {
            try advance()
            guard token == .name("in") else { throw unexpected("expected in behind not") }
            try advance()
            return .not(.isIn(left, try members()))
        }
        return .isTrue(left)
    }

    /// A list of values, or a field whose elements they are.
    private mutating func members() throws(ConditionError) -> [Condition.Operand] {
        guard token == .symbol("[") else { return [try operand()] }
        try advance()
        var values: [Condition.Operand] = []
        while token != .symbol("]") {
            values.append(try operand())
            guard token == .symbol(",") else { break }
            try advance()
        }
        try expect("]")
        return values
    }

    private mutating func operand() throws(ConditionError) -> Condition.Operand {
        let value: Condition.Operand
        switch token {
        case .text(let text): value = .text(Array(text.utf8))
        case .number(let text):
            guard let number = Double(text) else { throw unexpected("expected a number") }
            value = .number(number)
        case .name("true"): value = .bool(true)
        case .name("false"): value = .bool(false)
        case .name("null"), .name("nil"): value = .null
        case .name("and"), .name("or"), .name("not"), .name("in"):
            throw unexpected("expected a field or a value")
        case .name(let name):
            guard let path = FieldPath(name) else { throw unexpected("expected the name of a field") }
            value = .field(path)
        default: throw unexpected("expected a field or a value")
        }
        try advance()
        return value
    }

    private mutating func pattern() throws(ConditionError) -> RegularExpression {
        let text: String
        switch token {
        case .text(let pattern), .pattern(let pattern): text = pattern
        default: throw unexpected("expected a pattern, /…/ or \"…\"")
        }
        let expression: RegularExpression
        do throws(RegularExpressionError) {
            expression = try RegularExpression(text)
        } catch {
            throw ConditionError(column: lexer.column, reason: "the pattern does not compile: \(error)")
        }
        try advance()
        return expression
    }

    private mutating func expect(_ symbol: String) throws(ConditionError) {
        guard token == .symbol(symbol) else { throw unexpected("expected \(symbol)") }
        try advance()
    }
}
