/// A known object: its members in the order in which they are validated, and what they ask of each other.
struct ObjectSchema {
    var members: [Member]
    var rules: [ObjectRule] = []

    init(_ members: [Member], _ rules: [ObjectRule] = []) {
        self.members = members
        self.rules = rules
    }
}

/// What the members of a given object ask of each other, checked after each of them.
enum ObjectRule {
    case anyOf([StaticString])
    /// The first is required once any of the others is given.
    case required(StaticString, whenAny: [StaticString])
}

/// One member of a known object: the key, what its value must be, and the field it is kept in.
struct Member {
    enum Presence { case optional, required }

    var key: StaticString
    var rule: ValueRule
    var field: Field?
    var isRequired: Bool
    /// Of kind `object`.
    var object: ObjectSchema?
    /// Of kinds `element`, `elements`, `namedElements`.
    var element: ElementKind?
    /// Whether a value that came under another key wins, whichever came first.
    var yields = false

    init(_ key: StaticString, _ rule: ValueRule, _ field: Field, _ presence: Presence = .optional) {
        self.key = key
        self.rule = rule
        self.field = field
        isRequired = presence == .required
    }

    init(_ key: StaticString, _ object: ObjectSchema, _ presence: Presence = .optional) {
        self.key = key
        rule = ValueRule(kind: .object)
        self.object = object
        isRequired = presence == .required
    }

    init(
        _ key: StaticString,
        _ kind: ValueRule.Kind,
        of element: ElementKind,
        _ field: Field,
        _ presence: Presence = .optional
    ) {
        self.key = key
        // Browsers with older agents send metrics that nobody knows any more beside those that count.
        let mayBeEmpty = element == .droppedSpanStatistics || element == .nestedMetricset
        rule = ValueRule(kind: kind, needsElements: kind == .elements && !mayBeEmpty)
        self.field = field
        self.element = element
        isRequired = presence == .required
    }

    /// A name with dots beside which the same may come nested.
    static func flat(_ key: StaticString, _ rule: ValueRule, _ field: Field) -> Member {
        var member = Member(key, rule, field)
        member.yields = true
        return member
    }
}
