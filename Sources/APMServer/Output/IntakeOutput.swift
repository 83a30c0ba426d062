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

    /// Adds one document.
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
        let id = ids.next()
        if indexNames.isClassic {
            indexNames.withClassicName(of: event, time: time) { name in
                id.withUnsafeBytes { batch.append(index: name, id: $0.bytes, write) }
            }
        } else {
            id.withUnsafeBytes { batch.append(index: dataStream, id: $0.bytes, write) }
        }
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
        let id = ids.next()
        id.withUnsafeBytes { id in
            if indexNames.isClassic {
                indexNames.withClassicName(of: event, time: time) { add(held, $0, id.bytes) }
            } else {
                add(held, dataStream, id.bytes)
            }
        }
    }
}

/// `processor.event`, and what becomes of logs, which have none.
enum ProcessorEvent: UInt8, Sendable { case transaction, span, error, metric, log }

/// Ids that no other document has: 6 bytes of time and counter in front, then what names this process.
///
/// An id belongs to its document from acceptance on, through retries, spool and replay: storing twice is a conflict,
/// not a second document.
struct DocumentIDs {
    private var counter: UInt64
    private let instance: UInt64
    private var text = [UInt8](repeating: 0, count: 20)

    private static let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8
    )

    /// - Parameters:
    ///   - start: microseconds since 1970: where the counter begins.
    ///   - instance: random, other for each worker of each process.
    init(start: UInt64, instance: UInt64) {
        counter = start
        self.instance = instance
    }

    /// The next id, 20 bytes of base64url.
    mutating func next() -> [UInt8] {
        counter &+= 1
        // 60 bits of the counter in ten digits, then 60 bits of the instance.
        var (left, right) = (counter, instance)
        for index in stride(from: 9, through: 0, by: -1) {
            text[index] = Self.alphabet[Int(left & 63)]
            text[index + 10] = Self.alphabet[Int(right & 63)]
            left >>= 6
            right >>= 6
        }
        return text
    }
}

/// Classic daily indices instead of data streams, when the configuration says so.
final class IndexNames: Sendable {
    let isClassic: Bool
    private let version: String

    /// - Parameter version: stands in the names: `apm-VERSION-transaction-2026.11.22`.
    init(isClassic: Bool, version: String) {
        self.isClassic = isClassic
        self.version = version
    }

    /// Calls `body` with `apm-VERSION-EVENT-yyyy.MM.dd`, the day being the event's in UTC.
    func withClassicName(of event: ProcessorEvent, time: CalendarTime, _ body: (RawSpan) -> Void) {
        var name = ByteBuffer(capacity: 64)
        name.append("apm-\(version)-")
        switch event {
        case .transaction: name.append("transaction" as StaticString)
        case .span: name.append("span" as StaticString)
        case .error: name.append("error" as StaticString)
        case .metric: name.append("metric" as StaticString)
        case .log: name.append("log" as StaticString)
        }
        let (year, month, day) = time.date
        name.append(UInt8(ascii: "-"))
        name.append(decimal: year, width: 4)
        name.append(UInt8(ascii: "."))
        name.append(decimal: month, width: 2)
        name.append(UInt8(ascii: "."))
        name.append(decimal: day, width: 2)
        name.withSpan(body)
    }
}
