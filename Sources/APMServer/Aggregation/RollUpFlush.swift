import Common

/// Tables that are complete and on their way to the store.
///
/// Nothing in it changes any more, so that it can be written again, document for document.
final class RollUpFlush {
    struct Part {
        var interval: RollUpInterval
        var table: RollUpTable
        /// Start of the interval in which it was filled, in seconds since 1970.
        var writtenAt: Int64
    }

    /// How far the flush has been written.
    struct Position: Equatable {
        fileprivate var part = 0
        fileprivate var group = 0
        fileprivate var cell = 0
    }

    /// Random: makes the ids of this flush's documents other than those of all others.
    let id: SipHash.Value
    let parts: [Part]
    private var cells: (part: Int, sorted: [HistogramCells.Cell]) = (-1, [])

    init(id: SipHash.Value, parts: [Part]) {
        self.id = id
        self.parts = parts.filter { !$0.table.isEmpty }
    }

    var documentCount: Int { parts.reduce(0) { $0 + $1.table.groups.count } }

    func isEnd(_ position: Position) -> Bool { position.part == parts.count }

    /// Appends documents to `batch` until it has `maxBytes` or there are no more.
    ///
    /// - Returns: where to go on.
    func write(_ documents: RollUpDocuments, from start: Position, to batch: BulkBatch, maxBytes: Int)
        -> Position
    {
        var position = start
        while position.part < parts.count {
            let part = parts[position.part]
            if cells.part != position.part { cells = (position.part, part.table.cells.sorted()) }
            while position.group < part.table.groups.count {
                guard batch.byteCount < maxBytes else { return position }
                let first = position.cell
                while position.cell < cells.sorted.count, cells.sorted[position.cell].group == position.group
                {
                    position.cell += 1
                }
                documents.append(
                    .init(
                        table: part.table,
                        group: part.table.groups[position.group],
                        cells: cells.sorted[first..<position.cell],
                        interval: part.interval,
                        writtenAt: part.writtenAt,
                        flush: id
                    ),
                    to: batch
                )
                position.group += 1
            }
            position = Position(part: position.part + 1)
        }
        return position
    }
}
