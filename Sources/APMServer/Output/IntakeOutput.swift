import Common

/// Where one worker's documents and roll-ups go.
///
/// Used by one thread. The batch is handed to `Delivery` and replaced by the worker.
final class IntakeOutput {
    /// Documents not yet on their way.
    var batch: BulkBatch
    /// Transactions and spans that wait for the decision on their traces; nil when all are stored.
    var held: TailBatch?
    let rollUps: RollUpTables
    /// The id of the next document, for one that comes again when its answer was lost; nil for a new one.
    var fixedID: [UInt8]?
    /// How many documents were left out because they were too large.
    private(set) var refusedDocuments = 0
    private var ids: DocumentIDs
    private let indexNames: IndexNames

    init(
        batch: BulkBatch,
        held: TailBatch? = nil,
        rollUps: RollUpTables,
        ids: DocumentIDs,
        indexNames: IndexNames
    ) {
        self.batch = batch
        self.held = held
        self.rollUps = rollUps
        self.ids = ids
        self.indexNames = indexNames
    }

    @inline(__always)
    private func nextID() -> [UInt8] {
        guard let id = fixedID else { return ids.next() }
        fixedID = nil
        return id
    }

    /// Adds one document, or counts it as refused.
    ///
    /// - Parameters:
    ///   - dataStream: its full name, `traces-apm-default`.
    ///   - event: what `processor.event` says, for classic index names.
    ///   - time: `@timestamp`, for classic index names.
    ///   - write: appends one JSON object on one line.
    @inline(__always)
    func append(
        _ dataStream: RawSpan,
        _ event: ProcessorEvent,
        time: CalendarTime,
        _ write: (inout ByteBuffer) -> Void
    ) {
        let id = nextID()
        if indexNames.isClassic {
            indexNames.withClassicName(of: event, time: time) { name in
                append(name, id, write)
            }
        } else {
            append(dataStream, id, write)
        }
    }

    @inline(__always)
    private func append(_ index: RawSpan, _ id: [UInt8], _ write: (inout ByteBuffer) -> Void) {
        let isAdded = id.withUnsafeBytes { batch.appendBounded(index: index, id: $0.bytes, write) }
        if !isAdded { refusedDocuments += 1 }
    }
}

extension IntakeOutput {
    /// Adds a document of a trace: to those that wait for the decision on it, if any do.
    ///
    /// - Parameter add: adds it to them under the name of its index and its id.
    @inline(__always)
    func append(
        _ dataStream: RawSpan,
        _ event: ProcessorEvent,
        time: CalendarTime,
        holding add: (TailBatch, _ index: RawSpan, _ id: RawSpan) -> Void,
        _ write: (inout ByteBuffer) -> Void
    ) {
        guard let held else { return append(dataStream, event, time: time, write) }
        let id = nextID()
        let before = held.documents.documentCount
        id.withUnsafeBytes { id in
            if indexNames.isClassic {
                indexNames.withClassicName(of: event, time: time) { add(held, $0, id.bytes) }
            } else {
                add(held, dataStream, id.bytes)
            }
        }
        if held.documents.documentCount == before { refusedDocuments += 1 }
    }
}

/// `processor.event`, and what becomes of logs, which have none.
enum ProcessorEvent: UInt8, Sendable { case transaction, span, error, metric, log }
