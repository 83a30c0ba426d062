import Common

/// What is known of a span besides its fields.
struct SpanFacts {
    let time: EventTime
    let owner: EventOwner
    let duration: AgentDuration
    let outcome: Outcome
    let type: SpanType
    let composite: Composite?
    /// Ids of the trace and of the parent; of spans inside a RUM v3 transaction they come from it.
    let traceID: FieldValue
    let parentID: FieldValue
    let transactionID: FieldValue
    let dialect: Dialect

    /// Whether the resource of the destination tells the target when the event does not.
    var infersTarget: Bool { dialect == .v2 }
}

/// The three parts of a span's type.
struct SpanType: Equatable {
    private(set) var type: FieldValue
    private(set) var subtype: FieldValue
    private(set) var action: FieldValue

    /// As the event gives them; a type alone is split: `db.mysql.query`, everything behind the second point being the
    /// action.
    init(_ fields: EventFields, _ line: RawSpan) {
        type = fields[.type]
        subtype = fields[.subtype]
        action = fields[.action]
        guard !subtype.isGiven, !action.isGiven, type.isString else { return }
        let whole = type
        guard let first = line.firstIndex(of: UInt8(ascii: "."), in: whole.range) else { return }
        let rest = first + 1..<whole.range.upperBound
        let second = line.firstIndex(of: UInt8(ascii: "."), in: rest) ?? rest.upperBound
        type = FieldValue(whole.kind, whole.range.lowerBound..<first)
        subtype = FieldValue(whole.kind, rest.lowerBound..<second)
        guard second < rest.upperBound else { return }
        action = FieldValue(whole.kind, second + 1..<rest.upperBound)
    }
}

/// Several spans that an agent sent as one.
struct Composite {
    enum Strategy { case exactMatch, sameKind, unknown }

    let strategy: Strategy
    let count: Int64
    let sum: AgentDuration

    init?(_ fields: EventFields, _ line: RawSpan) {
        guard let count = fields[.compositeCount].integer(line) else { return nil }
        self.count = count
        sum = AgentDuration(fields[.compositeSum], line)
        let name = fields[.compositeStrategy]
        strategy =
            name.equals("exact_match", line)
            ? .exactMatch : name.equals("same_kind", line) ? .sameKind : .unknown
    }
}

extension EventTime {
    /// The time of a span: its own, else so many milliseconds behind the receipt of the request.
    init(ofSpan fields: EventFields, _ line: RawSpan, received: CalendarTime) {
        guard !fields[.timestamp].isGiven, let start = fields[.start].double(line) else {
            self.init(fields[.timestamp], line, else: received)
            return
        }
        // An offset beyond a century is no offset: it would only overflow.
        let limit = 3.2e18
        let offset = Int64(min(max(start * 1e6, -limit), limit))
        let (time, overflow) = received.nanoseconds.addingReportingOverflow(offset)
        self.init(overflow ? received : CalendarTime(nanoseconds: time))
    }
}
