import Common

/// Lets so many events with the same key through in a period, and drops or tags the rest.
///
///     - throttle:
///         key: "%{source.ip} %{log.level}"
///         max_events: 100
///         period: 1m
///         tag: _throttled            tags the rest; without it they are dropped
///         max_keys: 100000
///
/// Periods are those of the events' time, so a backlog is treated as it would have been when it happened. All workers
/// count together.
struct ThrottlePlan: FilterPlan, Filter {
    private let key: FieldText?
    private let maxEvents: Int
    private let period: Int64
    private let tag: String?
    private let counts: ThrottleCounts

    init(_ reader: ConfigurationReader) {
        key = reader.text("key")
        if !reader.has("key") {
            reader.problem("key", "is missing; write \"%{field}\", or a word for all events")
        }
        maxEvents = reader.int("max_events", default: 1, in: 0...1_000_000_000)
        if !reader.has("max_events") {
            reader.problem("max_events", "is missing; say how many are let through")
        }
        let limits: ClosedRange<Duration> = .milliseconds(1)...(.seconds(30 * 86400))
        period = reader.duration("period", default: .seconds(60), in: limits).nanoseconds
        tag = reader.string("tag")
        counts = ThrottleCounts(maxKeys: reader.int("max_keys", default: 100_000, in: 2...10_000_000))
    }

    func filter(_ workplace: FilterWorkplace) -> any Filter { self }

    func apply(to record: Record) throws(FilterFailure) -> FilterOutcome {
        var text = ByteBuffer()
        key?.append(record, to: &text)
        let time = FieldText.time(of: record)?.nanoseconds ?? 0
        let slot = CalendarTime.floorDivide(time, period)
        let count = text.withSpan { counts.count($0, slot: slot) }
        guard count > maxEvents else { return .next }
        guard let tag else { return .drop }
        try record.tag(tag)
        return .next
    }
}
