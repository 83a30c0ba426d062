import Common

/// What is in the spool, what of it is on its way, and what comes next.
///
/// Pure bookkeeping: it opens no file and reads no clock. `SpoolDirectory` does what it says.
struct SpoolLedger {
    /// Names a record as long as its segment exists.
    struct RecordID: Hashable {
        let segment: Int
        let index: Int
    }

    struct Segment: Equatable {
        var records: [SpoolRecord] = []
        /// Of the file.
        var bytes: Int
        var doneCount = 0
        /// Nothing is appended any more.
        var isSealed = false
        /// No record before this one waits.
        fileprivate var firstWaiting = 0

        init(records: [SpoolRecord] = [], bytes: Int) {
            self.records = records
            self.bytes = bytes
        }
    }

    /// The segments by number.
    private(set) var segments: [Int: Segment] = [:]
    /// Their numbers, oldest first.
    private var order: [Int] = []
    /// Of all segment files, records already done included.
    private(set) var bytes = 0
    /// Records not yet done, and their documents.
    private(set) var records = 0
    private(set) var documents = 0
    /// Records that are only on the disk.
    private(set) var waiting = 0

    /// Takes note of a segment of an earlier run; numbers ascend.
    mutating func found(_ number: Int, _ records: [SpoolRecord], bytes: Int) {
        var segment = Segment(records: records, bytes: bytes)
        segment.isSealed = true
        segment.doneCount = records.count { $0.state == .done }
        segments[number] = segment
        order.append(number)
        self.bytes += bytes
        for record in records where record.state != .done {
            self.records += 1
            waiting += 1
            documents += Int(record.documents)
        }
    }

    /// A record is on the disk, in the newest segment or a new one; older ones are then complete.
    ///
    /// - Parameter record: its state tells whether a copy is on its way, or even stored.
    mutating func appended(_ record: SpoolRecord, to number: Int) -> RecordID {
        if segments[number] == nil {
            for older in order { segments[older]?.isSealed = true }
            segments[number] = Segment(bytes: 0)
            order.append(number)
        }
        let id = RecordID(segment: number, index: segments[number]?.records.count ?? 0)
        segments[number]?.records.append(record)
        let added = record.end - (segments[number]?.bytes ?? record.end)
        segments[number]?.bytes += added
        bytes += added
        records += 1
        documents += Int(record.documents)
        if record.state == .waiting { waiting += 1 }
        if record.state == .done { settle(id, record) }
        return id
    }

    subscript(id: RecordID) -> SpoolRecord? {
        guard let records = segments[id.segment]?.records, id.index < records.count else { return nil }
        return records[id.index]
    }

    /// Every document of the record is stored or a dead letter.
    mutating func done(_ id: RecordID) {
        guard let record = self[id], record.state != .done else { return }
        if record.state == .waiting { waiting -= 1 }
        segments[id.segment]?.records[id.index].state = .done
        settle(id, record)
    }

    /// The record's copy in memory was given up; the disk has the only one.
    mutating func released(_ id: RecordID) {
        guard let record = self[id], record.state == .taken else { return }
        segments[id.segment]?.records[id.index].state = .waiting
        let first = segments[id.segment]?.firstWaiting ?? 0
        segments[id.segment]?.firstWaiting = min(first, id.index)
        waiting += 1
    }

    /// Takes the oldest records that wait, of one segment, up to `maxBytes` but at least one.
    mutating func take(maxBytes: Int) -> [RecordID] {
        guard waiting > 0 else { return [] }
        for number in order {
            guard let segment = segments[number] else { continue }
            var taken: [RecordID] = []
            var size = 0
            var index = segment.firstWaiting
            while index < segment.records.count {
                let record = segment.records[index]
                if record.state == .waiting {
                    guard taken.isEmpty || size + Int(record.length) <= maxBytes else { break }
                    size += Int(record.length)
                    taken.append(RecordID(segment: number, index: index))
                }
                index += 1
            }
            segments[number]?.firstWaiting = index
            guard !taken.isEmpty else { continue }
            for id in taken { segments[number]?.records[id.index].state = .taken }
            waiting -= taken.count
            return taken
        }
        return []
    }

    /// Segments whose records are all done, also the one that is being appended to.
    var finished: [Int] {
        order.filter { number in
            guard let segment = segments[number] else { return false }
            return segment.doneCount == segment.records.count && (segment.isSealed || segment.doneCount > 0)
        }
    }

    /// The segment that new records may be appended to.
    var newest: Int? { order.last }

    /// The files of the segment are gone.
    mutating func removed(_ number: Int) {
        guard let segment = segments.removeValue(forKey: number) else { return }
        order.removeAll { $0 == number }
        bytes -= segment.bytes
    }

    /// When the oldest record that is not done was written; nil when there is none.
    var oldest: CalendarTime? {
        guard records > 0 else { return nil }
        for number in order {
            guard let segment = segments[number], segment.doneCount < segment.records.count else { continue }
            if let record = segment.records.first(where: { $0.state != .done }) {
                return CalendarTime(seconds: Int64(record.seconds))
            }
        }
        return nil
    }

    private mutating func settle(_ id: RecordID, _ record: SpoolRecord) {
        segments[id.segment]?.doneCount += 1
        records -= 1
        documents -= Int(record.documents)
    }
}
