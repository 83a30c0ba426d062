import Common

/// Transactions and spans of one worker that wait for the decision on their traces.
///
/// Filled by one thread, then given to `TailSampler.submit`.
final class TailBatch: @unchecked Sendable {
    // Sendable is true because exactly one thread has it: submitting gives it away.

    /// What an event is to its trace.
    enum Role: UInt8, Sendable {
        case member
        /// The root transaction, whose policy stores the trace.
        case keptRoot
        /// The root transaction, whose policy drops the trace.
        case droppedRoot

        var isKept: Bool? { self == .member ? nil : self == .keptRoot }
    }

    struct Event: Sendable {
        let trace: TraceKey
        let role: Role
    }

    /// The documents with their action lines, ready to be stored if they must be.
    let documents: BulkBatch
    /// One for each document.
    private(set) var events: [Event] = []
    private let policies: TailPolicies

    init(documents: BulkBatch, policies: TailPolicies) {
        self.documents = documents
        self.policies = policies
    }

    var isEmpty: Bool { events.isEmpty }

    /// Adds a span, or a transaction with a parent, unless it is too large.
    ///
    /// - Parameters:
    ///   - index: where the document goes once its trace is stored.
    ///   - trace: the trace's id.
    ///   - write: appends one JSON object on one line.
    func append(index: RawSpan, id: RawSpan, trace: RawSpan, _ write: (inout ByteBuffer) -> Void) {
        guard documents.appendBounded(index: index, id: id, write) else { return }
        events.append(Event(trace: TraceKey(trace), role: .member))
    }

    /// Adds a transaction without a parent, unless it is too large: it decides on its trace.
    ///
    /// - Parameter service: name of its service, as JSON text without quotes; as the environment and its own
    ///   name.
    func appendRoot(
        index: RawSpan,
        id: RawSpan,
        trace: RawSpan,
        service: RawSpan,
        environment: RawSpan,
        name: RawSpan,
        outcome: Outcome,
        _ write: (inout ByteBuffer) -> Void
    ) {
        guard documents.appendBounded(index: index, id: id, write) else { return }
        let key = TraceKey(trace)
        let isKept = policies.keeps(
            key,
            service: service,
            environment: environment,
            name: name,
            outcome: outcome
        )
        events.append(Event(trace: key, role: isKept ? .keptRoot : .droppedRoot))
    }

    func removeAll(keepingBytes limit: Int) {
        documents.removeAll(keepingBytes: limit)
        events.removeAll(keepingCapacity: true)
    }
}
