import Common
import Glibc

/// Reading by rules: lines go through the input's `LineProcessor`, which says when an event is complete.
///
/// Events in the making are held in memory; the offset stays before them, so after a crash, or when memory is short, they
/// are read again.
extension Harvester {
    /// More held in memory by one file than this is read again instead, when there is nothing to add to it.
    private static let maxParkedBytes = 1 << 20

    /// What one turn of reading works with.
    private struct Turn {
        let processor: LineProcessor
        let assembly: EventAssembly
        let encoding: TextEncoding
        let terminator: LineTerminator
        let context: Context
        /// Monotonic nanoseconds.
        let now: Int64
    }

    func readAssembled(
        by processor: LineProcessor,
        into queue: inout EventQueue,
        _ buffer: inout ByteBuffer,
        opening: borrowing ByteBuffer,
        _ context: Context,
        now: Int64
    ) throws(Errno) -> Outcome {
        let assembly = assembly ?? EventAssembly(at: offset)
        self.assembly = assembly
        guard try writeFinished(of: assembly, processor, into: &queue, opening: opening) else { return .full }
        if assembly.isParked {
            // What was looked at is whole lines as well, which are to be found again.
            searchedBytes = assembly.position - offset
            assembly.finishesAtEnd = processor.deadline(of: assembly).map { $0 <= now } ?? false
            assembly.isParked = false
        }
        let overlap = Fingerprint.length(at: offset)
        buffer.removeAll()
        try read(into: &buffer, overlap, at: offset - Int64(overlap))
        guard isContinued(buffer, overlap) else { return .truncated }
        let encoding = try resolveEncoding(processor.rules.encoding)
        let turn = Turn(
            processor: processor,
            assembly: assembly,
            encoding: encoding,
            terminator: LineTerminator(processor.rules.terminator, in: encoding),
            context: context,
            now: now
        )
        buffer.removeAll()
        try read(into: &buffer, buffer.capacity, at: assembly.position)
        let end = buffer.count
        knownSize = max(knownSize, assembly.position + Int64(end))
        let first = buffer.withSpan { turn.terminator.next($0, from: 0, to: end) }
        guard first != nil else {
            return end == buffer.capacity
                ? try readLongLine(turn, into: &queue, &buffer, opening: opening)
                : try finishRest(end, turn, into: &queue, opening: opening)
        }
        if let outcome = try name(context) { return outcome }
        let start = assembly.position
        let consumed = try takeLines(of: buffer, turn, into: &queue, opening: opening)
        lastActivity = now
        try commit(assembly, to: &queue)
        let isFull = !assembly.finished.isEmpty || queue.isFull
        searchedBytes = start + Int64(isFull ? consumed : end) - offset
        if isFull { return .full }
        guard end < buffer.capacity else { return .more }
        guard assembly.finishesAtEnd || rest == .everything else { return parked(assembly, processor) }
        return try finishRest(end - consumed, turn, into: &queue, opening: opening)
    }

    /// Takes the whole lines of `buffer`, until the window is full.
    ///
    /// - Returns: the end of the last line taken.
    private func takeLines(
        of buffer: borrowing ByteBuffer,
        _ turn: Turn,
        into queue: inout EventQueue,
        opening: borrowing ByteBuffer
    ) throws(Errno) -> Int {
        let start = turn.assembly.position
        let end = buffer.count
        var index = 0
        while !queue.isFull {
            let next = buffer.withSpan { bytes -> Int? in
                guard let line = turn.terminator.next(bytes, from: index, to: end) else { return nil }
                turn.processor.take(
                    bytes,
                    line.content,
                    LineProcessor.Line(start: start + Int64(index), next: start + Int64(line.next)),
                    turn.encoding,
                    into: turn.assembly,
                    now: turn.now
                )
                return line.next
            }
            guard let next else { break }
            index = next
            guard try writeFinished(of: turn.assembly, turn.processor, into: &queue, opening: opening) else {
                break
            }
        }
        return index
    }

    /// Writes complete events into the window.
    ///
    /// - Returns: false when the window has no room for all of them.
    private func writeFinished(
        of assembly: EventAssembly,
        _ processor: LineProcessor,
        into queue: inout EventQueue,
        opening: borrowing ByteBuffer
    ) throws(Errno) -> Bool {
        guard !assembly.finished.isEmpty, let template else { return true }
        var written = 0
        for event in assembly.finished {
            // A large event travels alone, so that a window stays below the receiver's limits.
            guard !queue.isFull, !queue.hasEvents || event.text.count < queue.room else { break }
            queue.append(event, rule: processor.rules.json, opening: opening, template: template)
            processor.recycle(event)
            written += 1
        }
        assembly.finished.removeFirst(written)
        return assembly.finished.isEmpty
    }

    /// Records how far events are in windows, once all that are complete are.
    private func commit(_ assembly: EventAssembly, to queue: inout EventQueue) throws(Errno) {
        let next = assembly.boundary
        guard assembly.finished.isEmpty, next > offset, let raw else { return }
        // Shorter than a moment ago: the next turn finds out why.
        guard let after = try Fingerprint.read(raw: raw, at: next) else { return }
        fingerprint = after
        queue.advance(state, to: next, after, lineBytes: Int(next - offset))
        offset = next
    }

    /// Gives the file its identity before the first of its lines is sent.
    ///
    /// - Returns: an outcome when the identity has to be saved first.
    private func name(_ context: Context) throws(Errno) -> Outcome? {
        guard template == nil else { return nil }
        let isNamed = state.token != nil
        try prepareTemplate(context)
        return isNamed ? nil : .named
    }

    private func resolveEncoding(_ wanted: TextEncoding) throws(Errno) -> TextEncoding {
        if let encoding { return encoding }
        var mark = ByteBuffer(capacity: 2)
        try read(into: &mark, 2, at: 0)
        let resolved = mark.withSpan { wanted.resolved($0) }
        // Half of a mark says nothing yet.
        if mark.count == 2 || wanted == resolved { encoding = resolved }
        return resolved
    }

    // MARK: - Lines longer than the buffer

    private func readLongLine(
        _ turn: Turn,
        into queue: inout EventQueue,
        _ buffer: inout ByteBuffer,
        opening: borrowing ByteBuffer
    ) throws(Errno) -> Outcome {
        let assembly = turn.assembly
        let start = assembly.position
        // Searched before, or all of the buffer just now; a terminator may lie across the border.
        let before = max(offset + searchedBytes, start + Int64(buffer.count))
        guard let stop = try findTerminator(turn.terminator, line: start, from: before, &buffer) else {
            guard offset + searchedBytes >= knownSize else { return .more }
            return try finishRest(Int(offset + searchedBytes - start), turn, into: &queue, opening: opening)
        }
        if let outcome = try name(turn.context) { return outcome }
        let line = LineProcessor.Line(start: start, next: stop + Int64(turn.terminator.bytes.count))
        try takeLongLine(line, until: stop, turn)
        lastActivity = turn.now
        let hasRoom = try writeFinished(of: assembly, turn.processor, into: &queue, opening: opening)
        try commit(assembly, to: &queue)
        searchedBytes = assembly.position - offset
        return hasRoom && !queue.isFull ? .more : .full
    }

    /// - Returns: where the line's terminator begins; nil when it is not there, or was not found in this turn.
    ///   `searchedBytes` says how far was looked.
    private func findTerminator(
        _ terminator: LineTerminator,
        line: Int64,
        from: Int64,
        _ buffer: inout ByteBuffer
    ) throws(Errno) -> Int64? {
        let overlap = Int64(terminator.bytes.count - 1)
        var position = max(from - overlap, line)
        var budget = Self.maxSearchBytesPerTurn
        while budget > 0 {
            buffer.removeAll()
            try read(into: &buffer, buffer.capacity, at: position)
            let count = buffer.count
            let origin = Int(truncatingIfNeeded: line - position)
            if let found = buffer.withSpan({ terminator.find($0, from: 0, origin: origin, to: count) }) {
                return position + Int64(found)
            }
            let end = position + Int64(count)
            searchedBytes = max(searchedBytes, end - offset)
            knownSize = max(knownSize, end)
            guard Int64(count) > overlap else { return nil }
            budget -= count
            position = end - overlap
        }
        return nil
    }

    /// Takes a line of which not more is read than can be sent.
    private func takeLongLine(
        _ line: LineProcessor.Line,
        until stop: Int64,
        _ turn: Turn
    ) throws(Errno) {
        // Container and JSON lines are longer than their text.
        let limit = Int64(turn.processor.maxLineBytes * turn.encoding.unitBytes + (1 << 16))
        let length = Int(min(stop - line.start, limit))
        var text = ByteBuffer(capacity: length)
        try read(into: &text, length, at: line.start)
        var line = line
        line.isCut = Int64(length) < stop - line.start
        text.withSpan { bytes in
            let count = bytes.byteCount
            let end = line.isCut || line.isUnfinished ? count : turn.terminator.contentEnd(bytes, 0, count)
            turn.processor.take(bytes, 0..<end, line, turn.encoding, into: turn.assembly, now: turn.now)
        }
    }

    // MARK: - What is left

    /// At the file's end: sends what waits for more, if it has waited long enough.
    ///
    /// - Parameter tail: bytes behind `assembly.position`, the beginning of a line.
    private func finishRest(
        _ tail: Int,
        _ turn: Turn,
        into queue: inout EventQueue,
        opening: borrowing ByteBuffer
    ) throws(Errno) -> Outcome {
        let (assembly, processor, now) = (turn.assembly, turn.processor, turn.now)
        searchedBytes = assembly.position + Int64(tail) - offset
        let isDue = assembly.finishesAtEnd || processor.deadline(of: assembly).map { $0 <= now } ?? false
        guard isDue || rest == .everything else { return parked(assembly, processor) }
        let takesTail = rest == .everything && tail > 0 && turn.context.sendsIncompleteLine
        if takesTail || !assembly.isEmpty, let outcome = try name(turn.context) { return outcome }
        if takesTail {
            let stop = assembly.position + Int64(tail)
            var line = LineProcessor.Line(start: assembly.position, next: stop)
            line.isUnfinished = true
            try takeLongLine(line, until: stop, turn)
            lastActivity = now
        }
        processor.finishAll(of: assembly)
        let hasRoom = try writeFinished(of: assembly, processor, into: &queue, opening: opening)
        try commit(assembly, to: &queue)
        searchedBytes = assembly.position + Int64(takesTail ? 0 : tail) - offset
        guard hasRoom else { return .full }
        if rest == .everything { restIsFinished() }
        return queue.isFull ? .full : .drained
    }

    /// Gives memory back that an event in the making holds, when it is much: it is read again with its next line.
    private func parked(_ assembly: EventAssembly, _ processor: LineProcessor) -> Outcome {
        if assembly.textBytes > Self.maxParkedBytes { processor.park(assembly) }
        return .drained
    }
}
