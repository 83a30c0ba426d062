import Common

/// One worker's filters of one pipeline, and what carries records through them.
final class FilterChain {
    /// One event in so many is timed: two looks at the clock cost as much as a small filter.
    static let timedEvery = 16
    /// Documents that one event may become.
    static let maxDocuments = 10_000
    /// Steps of all parts that one event is split into together: some seconds at worst.
    private static let maxSplitSteps = 1_000_000
    /// Bytes of what all parts of one event have in common, which each gets a copy of.
    private static let maxSplitBytes = 64 << 20

    private struct Link {
        let step: FilterProgram.Step
        let filter: any Filter
        let counters: FilterCounters
    }

    /// What a filter did to an event, for whoever watches (`ingest parse --explain`).
    struct Trace {
        enum Result {
            case skipped
            case changed
            case failed(FilterFailure)
            case dropped
            case split(Int)
        }

        let name: String
        let id: String
        let result: Result
        let nanoseconds: Int64
    }

    private let instructions: [FilterProgram.Instruction]
    private let links: [Link]
    private let conditions: ConditionScratch
    private var scratch = ByteBuffer()
    private var eventCount = 0
    private var documents = 0
    private var splitStepsLeft = 0
    private var splitBytesLeft = 0
    /// Hears of each step with the record behind it; every event is then timed.
    var observer: ((Trace, Record) -> Void)?
    /// Hears of each record in front of the first step.
    var onStart: ((Record) -> Void)?

    /// - Parameter counters: one for each step of the program.
    /// - Throws: what a filter misses on this machine.
    init(_ program: FilterProgram, counters: [FilterCounters], workplace: FilterWorkplace) throws {
        instructions = program.instructions
        links = try zip(program.steps, counters).map { step, counters in
            Link(step: step, filter: try step.plan.filter(workplace), counters: counters)
        }
        conditions = ConditionScratch(program.conditions)
    }

    /// Carries an event through all filters.
    ///
    /// - Parameter emit: takes each document that the event becomes: one, none when it is dropped, several when it is
    ///   split; its number counts from 0.
    func run(_ record: Record, emit: (_ document: Record, _ number: Int) -> Void) {
        eventCount &+= 1
        documents = 0
        splitStepsLeft = Self.maxSplitSteps
        splitBytesLeft = Self.maxSplitBytes
        onStart?(record)
        run(record, from: 0, emit: emit)
    }

    private func run(_ record: Record, from start: Int, emit: (Record, Int) -> Void) {
        var place = start
        // It ends: each step leads to a later one of its list, and a list of `on_failure` back behind its filter.
        while true {
            switch instructions[place] {
            case .end:
                emit(record, documents)
                documents += 1
                return
            case .jump(let target): place = target
            case .unless(let condition, let target):
                place = condition.holds(for: record, conditions) ? place + 1 : target
            case .filter(let step, let failure):
                guard let next = apply(links[step], at: place, onFailure: failure, to: record, emit) else {
                    return
                }
                place = next
            }
        }
    }

    /// - Returns: where to go on; nil when there is nothing left of the record, or its parts are done.
    private func apply(
        _ link: Link,
        at place: Int,
        onFailure: Int?,
        to record: Record,
        _ emit: (Record, Int) -> Void
    ) -> Int? {
        if let condition = link.step.condition, !condition.holds(for: record, conditions) {
            observe(link, .skipped, 0, record)
            return place + 1
        }
        link.counters.events.add()
        let isTimed = observer != nil || eventCount % Self.timedEvery == 0
        let began = isTimed ? Clock.monotonic : 0
        do throws(FilterFailure) {
            let outcome = try link.filter.apply(to: record)
            if !link.step.success.isEmpty, outcome != .drop {
                try link.step.success.apply(to: record, scratch: &scratch)
            }
            let time = note(link, began: began, isTimed)
            switch outcome {
            case .next:
                observe(link, .changed, time, record)
                return place + 1
            case .drop:
                link.counters.drops.add()
                observe(link, .dropped, time, record)
                return nil
            case .split(let path):
                observe(
                    link,
                    .split(record.find(path).map { record.children(of: $0).count } ?? 0),
                    time,
                    record
                )
                return try split(record, at: path, from: place + 1, emit)
            }
        } catch {
            let time = note(link, began: began, isTimed)
            return failed(link, error, time, at: place, onFailure: onFailure, record)
        }
    }

    private func note(_ link: Link, began: Int64, _ isTimed: Bool) -> Int64 {
        guard isTimed else { return 0 }
        let time = Clock.monotonic - began
        link.counters.add(timed: time)
        return time
    }

    private func failed(
        _ link: Link,
        _ failure: FilterFailure,
        _ time: Int64,
        at place: Int,
        onFailure: Int?,
        _ record: Record
    ) -> Int {
        link.counters.fail(failure, record, now: Clock.monotonic)
        // With filters of its own for failures, a step says only what it is told to.
        let tags = link.step.failureTags ?? (onFailure == nil ? [failure.tag.rawValue] : [])
        do throws(FilterFailure) {
            try record.note(failure, tags: tags)
        } catch {
            Log.limited(
                .warning,
                key: "note \(link.step.id)",
                "the reason of a failure does not fit into its event",
                [
                    "filter": link.step.id, "failure": failure.reason ?? failure.tag.rawValue,
                    "error": error.reason ?? "",
                ]
            )
        }
        observe(link, .failed(failure), time, record)
        return onFailure ?? place + 1
    }

    /// Goes on with one copy of the record for each element of a list.
    ///
    /// - Returns: where to go on with the record itself, when there is nothing to split.
    private func split(
        _ record: Record,
        at path: FieldPath,
        from next: Int,
        _ emit: (Record, Int) -> Void
    ) throws(FilterFailure) -> Int? {
        guard let list = record.find(path), record.kind(of: list) == .list, !record.isEmpty(list) else {
            return next
        }
        let elements = record.children(of: list)
        let rest = record.copy(without: list)
        try admit(elements.count, of: rest, at: path, from: next)
        for element in elements {
            let part = rest.copy()
            if let place = part.find(path) { part.replace(place, copyOf: element, of: record) }
            run(part, from: next, emit: emit)
        }
        return nil
    }

    /// Refuses to make more documents, or larger ones, than are worth their time.
    private func admit(_ count: Int, of rest: Record, at path: FieldPath, from next: Int)
        throws(FilterFailure)
    {
        guard documents + count <= Self.maxDocuments else {
            throw FilterFailure(
                .split,
                "\(path.text) has \(count) elements; an event becomes at most \(Self.maxDocuments) documents"
            )
        }
        let steps = count * (instructions.count - next)
        let bytes = count * rest.byteCount
        guard steps <= splitStepsLeft, bytes <= splitBytesLeft else {
            throw FilterFailure(
                .split,
                "\(path.text) has \(count) elements, too many for the size of the event and the filters behind"
            )
        }
        splitStepsLeft -= steps
        splitBytesLeft -= bytes
    }

    private func observe(_ link: Link, _ result: Trace.Result, _ time: Int64, _ record: Record) {
        observer?(Trace(name: link.step.name, id: link.step.id, result: result, nanoseconds: time), record)
    }
}
