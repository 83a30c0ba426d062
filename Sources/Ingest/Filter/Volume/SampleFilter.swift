import Common

/// Keeps a share of the events and drops the others; those are counted as dropped by the filter.
///
///     - sample: {rate: 0.1}                         one in ten
///     - sample: {rate: 5%, key: "%{trace.id}"}      all events of a trace, or none
///
/// The choice follows from the event: when it comes again, it is the same.
struct SamplePlan: FilterPlan {
    fileprivate let rate: Double
    /// What events must share to be kept or dropped together; nil for each on its own.
    fileprivate let key: FieldText?

    init(_ reader: ConfigurationReader) {
        let text = reader.required("rate")
        let share = text.hasSuffix("%") ? Double(text.dropLast()).map { $0 / 100 } : Double(text)
        if let share, (0...1).contains(share) {
            rate = share
        } else {
            rate = 1
            if !text.isEmpty { reader.problem("rate", "\"\(text)\" is no share; write 0.1 or 10%") }
        }
        key = reader.text("key")
    }

    func filter(_ workplace: FilterWorkplace) -> any Filter { SampleFilter(plan: self) }
}

private final class SampleFilter: Filter {
    /// The same in every process, so that all make the same choice.
    private static let hash = SipHash(key: 0x7361_6D70_6C65_2E31, 0x6576_656E_7473_2E31)

    private let plan: SamplePlan
    private var text = ByteBuffer()

    init(plan: SamplePlan) { self.plan = plan }

    func apply(to record: Record) -> FilterOutcome {
        text.removeAll()
        // Without all fields of the key, events would be kept or dropped by the thousand.
        if plan.key?.append(record, to: &text) != true {
            text.removeAll()
            EventOrigin.append(record, to: &text)
        }
        let value = text.withSpan { Self.hash.hash($0, 0..<$0.byteCount) }
        // 53 bits are what a Double holds.
        let place = Double(value.high >> 11) / Double(1 << 53 as Int64)
        return place < plan.rate ? .next : .drop
    }
}
