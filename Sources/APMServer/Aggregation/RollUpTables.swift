import Common
import Glibc
import Synchronization

/// Whether a transaction or span did what it should.
enum Outcome: UInt8, Sendable { case success, failure, unknown }

/// The roll-ups of one worker's events since they were last taken, by minute and key.
///
/// A key is the JSON of the document's dimensions, in three parts in one buffer, so that two events fall
/// together exactly when their documents would be equal:
///
///     key[..<top]          members of the document itself:  "agent":{…},"service":{…},"labels":{…}
///     key[top..<inner]     members of `transaction`, or of `span`
///     key[inner...]        members of `event`, or of `span.destination.service`
///
/// Each part is zero or more JSON members without a leading or trailing comma. `service` is what names the
/// service in an overflow document (`"agent":{"name":…},"service":{"name":…,"environment":…,"language":{…}}`,
/// no labels); the object `service` comes last in it. `minute` is the event's time cut to the minute, in
/// seconds since 1970. Weights are representative counts in thousandths; what weighs nothing is not counted.
///
/// Filled by one thread. Another may take the table away at any time, for which both hold a flag: the worker
/// for the time of a call, the other for that of an exchange of pointers.
final class RollUpTables: @unchecked Sendable {
    // Sendable is true because `table` is touched only by who has set `isBusy`.
    private var table: RollUpTable
    private let isBusy = Atomic<Bool>(false)
    private let limits: RollUpLimits
    private let hash: KeyedHash

    /// - Parameter hash: the same for tables that are merged.
    init(limits: RollUpLimits = RollUpLimits(memoryBytes: 1 << 30), hash: KeyedHash = KeyedHash()) {
        self.limits = limits
        self.hash = hash
        table = RollUpTable(limits: limits, hash: hash)
    }

    /// Counts a transaction.
    ///
    /// - Parameter kind: `transaction` or `serviceTransaction`; their rows hold the same, under other keys.
    func transaction(
        _ kind: RollUpKind,
        minute: Int64,
        service: RawSpan,
        key: RawSpan,
        top: Int,
        inner: Int,
        durationMicroseconds: Int64,
        weightThousandths: Int64,
        outcome: Outcome
    ) {
        guard weightThousandths > 0 else { return }
        add(kind, minute, service, key, top, inner) { table, row in
            if let bucket = DurationBuckets.bucket(of: durationMicroseconds) {
                table.count(bucket: bucket, weight: weightThousandths, row: row)
            }
            table.add(
                outcome == .success ? weightThousandths : 0,
                outcome == .failure ? weightThousandths : 0,
                row: row
            )
        }
    }

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
    ) {
        guard countThousandths > 0 else { return }
        add(.serviceDestination, minute, service, key, top, inner) { table, row in
            table.add(countThousandths, sumMicrosecondThousandths, row: row)
        }
    }

    /// Notes that a service was seen; `key` has only a first part.
    func serviceSummary(minute: Int64, service: RawSpan, key: RawSpan) {
        add(.serviceSummary, minute, service, key, key.byteCount, key.byteCount) { _, _ in }
    }

    /// Everything counted since the last call; nil for nothing.
    ///
    /// From any thread.
    func take() -> RollUpTable? {
        acquire()
        let isEmpty = table.isEmpty
        release()
        guard !isEmpty else { return nil }
        // Made before the flag is set, so that the worker does not wait for memory.
        var other = RollUpTable(limits: limits, hash: hash)
        acquire()
        swap(&table, &other)
        release()
        return other
    }

    @inline(__always)
    private func add(
        _ kind: RollUpKind,
        _ minute: Int64,
        _ service: RawSpan,
        _ key: RawSpan,
        _ top: Int,
        _ inner: Int,
        _ body: (RollUpTable, Int) -> Void
    ) {
        guard top >= 0, top <= inner, inner <= key.byteCount, minute != RollUpTable.overflowTime else {
            fatalError("roll-ups: key of \(key.byteCount) bytes with parts at \(top) and \(inner)")
        }
        acquire()
        service.withUnsafeBytes { service in
            key.withUnsafeBytes { key in
                let row = table.row(kind, time: minute, service: service, key: key, top: top, inner: inner)
                body(table, row)
            }
        }
        release()
    }

    /// Sets the flag; the other thread holds it for a few instructions.
    @inline(__always)
    private func acquire() {
        while isBusy.exchange(true, ordering: .acquiring) { sched_yield() }
    }

    @inline(__always)
    private func release() { isBusy.store(false, ordering: .releasing) }
}
