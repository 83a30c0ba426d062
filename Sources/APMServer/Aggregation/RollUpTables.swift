import Common

/// Whether a transaction or span did what it should.
enum Outcome: UInt8, Sendable { case success, failure, unknown }

/// The roll-ups of one worker's events since they were last taken, by minute and key.
///
/// A key is the JSON of the document's dimensions, in three parts in one buffer, so that two events fall together
/// exactly when their documents would be equal:
///
///     key[..<top]          members of the document itself:  "agent":{…},"service":{…},"labels":{…}
///     key[top..<inner]     members of `transaction`, or of `span`
///     key[inner...]        members of `event`, or of `span.destination.service`
///
/// Each part is zero or more JSON members without a leading or trailing comma. `service` is what names the service
/// in an overflow document (`"agent":{"name":…},"service":{"name":…,"environment":…,"language":{…}}`, no labels).
/// `minute` is the event's time cut to the minute, in seconds since 1970. Weights are representative counts in
/// thousandths. Used by one thread.
final class RollUpTables {
    init() {}

    /// Counts a transaction for `metricset.name: transaction`.
    func transaction(
        minute: Int64,
        service: RawSpan,
        key: RawSpan,
        top: Int,
        inner: Int,
        durationMicroseconds: Int64,
        weightThousandths: Int64,
        outcome: Outcome
    ) {}

    /// Counts a transaction for `metricset.name: service_transaction`.
    func serviceTransaction(
        minute: Int64,
        service: RawSpan,
        key: RawSpan,
        top: Int,
        inner: Int,
        durationMicroseconds: Int64,
        weightThousandths: Int64,
        outcome: Outcome
    ) {}

    /// Counts what a span (or the statistics of dropped ones) says of its destination.
    ///
    /// - Parameters:
    ///   - countThousandths: requests, weighted.
    ///   - sumMicrosecondThousandths: their time, weighted: microseconds times thousandths.
    func serviceDestination(
        minute: Int64,
        service: RawSpan,
        key: RawSpan,
        top: Int,
        inner: Int,
        countThousandths: Int64,
        sumMicrosecondThousandths: Int64
    ) {}

    /// Notes that a service was seen; `key` has only a first part.
    func serviceSummary(minute: Int64, service: RawSpan, key: RawSpan) {}
}
