import Common

/// A test of an event's fields: the `if` of a filter.
///
///     event.dataset == "nginx.access" and http.response.status_code >= 500
///     [url][path] =~ /^\/api\// or "beta" in tags
///     not user.name                      the field is missing, empty or false
///     log.level in ["error", "critical"]
///
/// A comparison with a list is true when it is true of one element. A field that is missing equals nothing; texts that
/// are numbers compare as numbers with numbers. Parsed once, at start.
struct Condition: Sendable {
    enum Operand: Sendable {
        case field(FieldPath)
        case text([UInt8])
        case number(Double)
        case bool(Bool)
        case null
    }

    enum Comparison: String, Sendable {
        case equal = "=="
        case unequal = "!="
        case less = "<"
        case lessOrEqual = "<="
        case greater = ">"
        case greaterOrEqual = ">="
    }

    indirect enum Expression: Sendable {
        case all([Expression])
        case any([Expression])
        case not(Expression)
        case isTrue(Operand)
        case compares(Operand, Comparison, Operand)
        case matches(Operand, RegularExpression)
        case isIn(Operand, [Operand])
    }

    /// Characters that a condition may have.
    static let maxLength = 8192

    let expression: Expression
    /// The condition as it is written.
    let text: String

    /// - Throws: what is wrong, and at which character.
    init(_ text: String) throws(ConditionError) {
        guard text.count <= Self.maxLength else {
            throw ConditionError(
                column: Self.maxLength,
                reason: "a condition has at most \(Self.maxLength) characters"
            )
        }
        self.text = text
        var parser = ConditionParser(text)
        expression = try parser.condition()
    }

    /// Whether the condition is true of a record.
    func holds(for record: Record, _ scratch: ConditionScratch) -> Bool {
        scratch.holds(expression, record)
    }
}
