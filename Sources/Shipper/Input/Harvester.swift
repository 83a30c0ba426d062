import Common
import Glibc

/// The reader of one file: knows how far it has read, not how far the receiver has stored (`FileState` does).
///
/// Holds no bytes of the file. A line that is not complete is read again when it is; one that is longer than the
/// reading buffer is measured first and then encoded piece by piece, so memory does not depend on lines.
final class Harvester {
    /// What a turn of reading ended with.
    enum Outcome: Equatable {
        /// All complete lines are read.
        case drained
        /// There is more to read.
        case more
        /// The window has no room for what comes next.
        case full
        /// The file does not hold any more what was read before: it was truncated, or written anew.
        case truncated
        /// This life has its identity now; no line was taken. It must be on disk before one is sent, or the same lines
        /// may come under another identity after a crash.
        case named
        case failed(Errno)
    }

    /// What reading needs from outside, the same for all files of an input.
    struct Context {
        var source: EventTemplate.Source
        /// Longer lines are cut.
        let maxLineBytes: Int
        /// Makes events of lines that are not just sent as they are.
        var processor: LineProcessor?
        /// Whether a last line without end is sent at last.
        var sendsIncompleteLine = true
    }

    /// What is to be sent although more may come, when nothing has come for long.
    enum Rest {
        case nothing
        /// All that was read, a line without end too if the input wants that.
        case everything
    }

    /// A line longer than the buffer is searched for its end for at most this long per turn, so that other files
    /// get theirs.
    static let maxSearchBytesPerTurn = 8 << 20

    /// Index of the input that the file belongs to.
    var input: Int
    let key: FileKey
    private(set) var state: FileState
    /// The file's name now, as far as known.
    var path: String
    /// nil when closed because nothing happened for long.
    private var file: Descriptor?
    /// Everything before is in a window.
    var offset: Int64
    var fingerprint: Fingerprint
    /// Bytes from `offset` on that were looked at: the beginning of a line, and lines of an unfinished event.
    var searchedBytes: Int64 = 0
    var template: EventTemplate?
    /// Events that wait for more lines, by the rules of the input.
    var assembly: EventAssembly?
    /// Of the file, when its input has rules.
    var encoding: TextEncoding?
    var rest = Rest.nothing
    /// Where the rest was finished last, so that what is kept back is not tried again and again.
    var restFinishedAt: Int64 = -1

    // What `Harvesters` notes here.
    var watch: FileWatcher.Watch?
    var isQueued = false
    /// Whether the file has no name left.
    var isDeleted = false
    /// Whether no pattern matches the file's name: it is only drained.
    var isOutside = false
    /// Where reading ends because no input names the file any more; nil to follow it.
    var lastOffset: Int64?
    /// Monotonic time of the last byte read or name lost.
    var lastActivity: Int64
    /// Size when last looked at, for lag and progress.
    var knownSize: Int64 {
        didSet { upkeep.see(size: knownSize) }
    }
    var upkeep = HarvesterUpkeep()
    /// Where it has a turn; nil while it has none.
    var turns: HarvesterTurns?
    /// The registry must have been saved this often before a line may be sent.
    var waitsForSave = 0

    init(
        input: Int,
        state: FileState,
        path: String,
        file: consuming Descriptor,
        offset: Int64,
        fingerprint: Fingerprint,
        size: Int64,
        now: Int64
    ) {
        self.input = input
        self.state = state
        self.path = path
        self.file = consume file
        self.offset = offset
        self.fingerprint = fingerprint
        key = state.key
        lastActivity = now
        knownSize = size
    }

    var isOpen: Bool { file != nil }
    /// The open file's number; nil when it is closed.
    var raw: Int32? { file?.raw }

    /// Bytes written and not yet stored by the receiver.
    var lag: Int64 { max(knownSize - state.offset, 0) }

    /// Unfinished events are read again when the file is opened again.
    func close() {
        file = nil
        turns?.release()
        turns = nil
        // Made again with the next line: a hundred thousand closed files need none.
        template = nil
        forgetUnfinished()
    }

    /// Whether something was read that waits for more, and was not given up waiting for.
    var hasRest: Bool { searchedBytes > 0 && restFinishedAt != offset + searchedBytes }

    /// When an unfinished event has waited long enough (monotonic nanoseconds); nil when none waits.
    func restDeadline(_ context: Context) -> Int64? {
        assembly.flatMap { context.processor?.deadline(of: $0) }
    }

    func reopen(_ descriptor: consuming Descriptor) { file = consume descriptor }

    /// Something that all events say has changed.
    func forgetTemplate() { template = nil }

    /// Begins the next life of the same file, at its beginning.
    func restart(as state: FileState) {
        self.state = state
        offset = 0
        fingerprint = .empty
        template = nil
        encoding = nil
        forgetUnfinished()
    }

    /// The file is read by other rules from now on: what was looked at and not taken is looked at again.
    func forgetRules() {
        template = nil
        encoding = nil
        forgetUnfinished()
    }

    private func forgetUnfinished() {
        assembly = nil
        searchedBytes = 0
        restFinishedAt = -1
        rest = .nothing
    }

    /// Whether the file has bytes that were not looked at, or fewer than were read.
    ///
    /// One fstat(2).
    func hasNews() -> Bool {
        guard let raw else { return false }
        var status = stat()
        guard fstat(raw, &status) == 0 else { return true }
        isDeleted = status.st_nlink == 0
        knownSize = Int64(status.st_size)
        return knownSize != offset + searchedBytes
    }

    /// Reads complete lines into the window: at most one buffer full.
    func read(
        into queue: inout EventQueue,
        buffer: inout ByteBuffer,
        opening: borrowing ByteBuffer,
        context: Context,
        now: Int64
    ) -> Outcome {
        do {
            if let processor = context.processor {
                return try readAssembled(
                    by: processor,
                    into: &queue,
                    &buffer,
                    opening: opening,
                    context,
                    now: now
                )
            }
            let outcome =
                searchedBytes > Int64(buffer.capacity / 2)
                ? try readLongLine(into: &queue, &buffer, opening: opening, context, now: now)
                : try readLines(into: &queue, &buffer, opening: opening, context, now: now)
            guard outcome == .drained, rest == .everything else { return outcome }
            return try readRest(into: &queue, &buffer, opening: opening, context, now: now)
        } catch {
            return .failed(error)
        }
    }

    /// Sends the last line although its end has not been written.
    private func readRest(
        into queue: inout EventQueue,
        _ buffer: inout ByteBuffer,
        opening: borrowing ByteBuffer,
        _ context: Context,
        now: Int64
    ) throws(Errno) -> Outcome {
        guard searchedBytes > 0, context.sendsIncompleteLine else {
            restIsFinished()
            return .drained
        }
        let end = offset + searchedBytes
        let outcome = try appendLongLine(
            until: end,
            isUnfinished: true,
            into: &queue,
            &buffer,
            opening: opening,
            context,
            now: now
        )
        guard offset == end else { return outcome }
        restIsFinished()
        return queue.isFull ? .full : .drained
    }

    func restIsFinished() {
        rest = .nothing
        restFinishedAt = offset + searchedBytes
    }

    private func readLines(
        into queue: inout EventQueue,
        _ buffer: inout ByteBuffer,
        opening: borrowing ByteBuffer,
        _ context: Context,
        now: Int64
    ) throws(Errno) -> Outcome {
        let overlap = Fingerprint.length(at: offset)
        let start = offset - Int64(overlap)
        let capacity = buffer.capacity
        buffer.removeAll()
        guard let raw else { throw Errno(EBADF) }
        // One call: a regular file gives less than asked for only at its end.
        try buffer.append(reserving: capacity) { free throws(Errno) in
            try Errno.check { pread(raw, free.baseAddress, capacity, off_t(start)) }
        }
        guard isContinued(buffer, overlap) else { return .truncated }
        let end = buffer.count
        knownSize = max(knownSize, start + Int64(end))
        if template == nil,
            buffer.withSpan({ $0.firstIndex(of: UInt8(ascii: "\n"), in: overlap..<end) }) != nil
        {
            let isNamed = state.token != nil
            try prepareTemplate(context)
            guard isNamed else { return .named }
        }
        let consumed = append(buffer, from: overlap, start: start, to: &queue, opening: opening, context)
        guard consumed > overlap else {
            if queue.isFull, end > overlap { return .full }
            searchedBytes = start + Int64(end) - offset
            return end == capacity ? .more : .drained
        }
        let next = start + Int64(consumed)
        buffer.withSpan { fingerprint.advance(to: next, in: $0, startingAt: start) }
        queue.advance(state, to: next, fingerprint, lineBytes: consumed - overlap)
        offset = next
        lastActivity = now
        if queue.isFull { searchedBytes = 0; return .full }
        searchedBytes = Int64(end - consumed)
        return end == capacity ? .more : .drained
    }

    /// Encodes the whole lines of `buffer` from `from` on, until the window is full.
    ///
    /// - Parameter start: the file's offset of the buffer's first byte.
    /// - Returns: the end of the last line taken.
    private func append(
        _ buffer: borrowing ByteBuffer,
        from: Int,
        start: Int64,
        to queue: inout EventQueue,
        opening: borrowing ByteBuffer,
        _ context: Context
    ) -> Int {
        guard let template else { return from }
        return buffer.withSpan { bytes in
            let end = bytes.byteCount
            var splitter = LineSplitter(offset: from)
            while !queue.isFull {
                let begin = splitter.offset
                guard let line = splitter.next(bytes, end: end) else { break }
                var content = line.content
                if start + Int64(begin) == 0 { content = LineSplitter.withoutByteOrderMark(content, bytes) }
                if content.isEmpty { continue }
                let position = start + Int64(begin)
                if content.count <= context.maxLineBytes {
                    queue.append(bytes, content, offset: position, opening: opening, template: template)
                } else {
                    let cut = content.lowerBound..<content.lowerBound + context.maxLineBytes
                    queue.beginLongEvent(opening: opening)
                    _ = queue.appendPiece(bytes, bytes.trimmedToWholeScalars(cut))
                    queue.endLongEvent(offset: position, flags: .truncated, template: template)
                }
            }
            return splitter.offset
        }
    }

    // MARK: - Long lines

    private func readLongLine(
        into queue: inout EventQueue,
        _ buffer: inout ByteBuffer,
        opening: borrowing ByteBuffer,
        _ context: Context,
        now: Int64
    ) throws(Errno) -> Outcome {
        let overlap = Fingerprint.length(at: offset)
        buffer.removeAll()
        try read(into: &buffer, overlap, at: offset - Int64(overlap))
        guard isContinued(buffer, overlap) else { return .truncated }
        switch try searchLineEnd(&buffer) {
        case .found(let feed):
            return try appendLongLine(until: feed, into: &queue, &buffer, opening: opening, context, now: now)
        case .none(let outcome): return outcome
        }
    }

    private enum Search {
        case found(Int64)
        case none(Outcome)
    }

    private func searchLineEnd(_ buffer: inout ByteBuffer) throws(Errno) -> Search {
        var budget = Self.maxSearchBytesPerTurn
        while budget > 0 {
            buffer.removeAll()
            let position = offset + searchedBytes
            try read(into: &buffer, buffer.capacity, at: position)
            if buffer.isEmpty {
                guard let raw else { return .none(.drained) }
                var status = stat()
                if fstat(raw, &status) == 0, Int64(status.st_size) < position { searchedBytes = 0 }
                return .none(searchedBytes == 0 ? .more : .drained)
            }
            let feed = buffer.withSpan { $0.firstIndex(of: UInt8(ascii: "\n"), in: 0..<$0.byteCount) }
            knownSize = max(knownSize, position + Int64(buffer.count))
            if let feed { return .found(position + Int64(feed)) }
            searchedBytes += Int64(buffer.count)
            budget -= buffer.count
        }
        return .none(.more)
    }

    /// Encodes the line from `offset` to `feed` in pieces.
    ///
    /// - Parameter isUnfinished: there is no line feed yet.
    private func appendLongLine(
        until feed: Int64,
        isUnfinished: Bool = false,
        into queue: inout EventQueue,
        _ buffer: inout ByteBuffer,
        opening: borrowing ByteBuffer,
        _ context: Context,
        now: Int64
    ) throws(Errno) -> Outcome {
        if template == nil {
            let isNamed = state.token != nil
            try prepareTemplate(context)
            guard isNamed else { return .named }
        }
        guard let template else { return .more }
        // A long event travels alone, so that a window stays below the receiver's limits.
        if queue.hasEvents, feed - offset > Int64(queue.room) { return .full }
        var last = feed
        buffer.removeAll()
        try read(into: &buffer, 1, at: feed - 1)
        if !isUnfinished, buffer.count == 1, buffer[0] == UInt8(ascii: "\r") { last -= 1 }
        let limit = min(last, offset + Int64(context.maxLineBytes))
        var isTruncated = limit < last
        queue.beginLongEvent(opening: opening)
        var position = offset
        while position < limit {
            buffer.removeAll()
            try read(into: &buffer, min(buffer.capacity, Int(limit - position)), at: position)
            guard !buffer.isEmpty else {
                // Shorter than a moment ago: the next turn finds out why.
                queue.cancelEvent()
                searchedBytes = 0
                return .more
            }
            let isFirst = position == 0
            let isLast = position + Int64(buffer.count) >= last
            let (taken, fits) = buffer.withSpan { bytes -> (Int, Bool) in
                var piece = 0..<bytes.byteCount
                if !isLast { piece = bytes.trimmedToWholeScalars(piece) }
                let text = isFirst ? LineSplitter.withoutByteOrderMark(piece, bytes) : piece
                return (piece.count, queue.appendPiece(bytes, text))
            }
            // Fewer than four bytes before the limit may be the beginning of a scalar that is cut.
            if taken == 0 { break }
            if !fits {
                isTruncated = true
                break
            }
            position += Int64(taken)
        }
        let next = isUnfinished ? feed : feed + 1
        guard let raw, let after = try Fingerprint.read(raw: raw, at: next) else {
            queue.cancelEvent()
            searchedBytes = 0
            return .more
        }
        var flags: LogFlags = isTruncated ? .truncated : []
        if isUnfinished { flags.insert(.partial) }
        queue.endLongEvent(offset: offset, flags: flags, template: template)
        fingerprint = after
        queue.advance(state, to: next, fingerprint, lineBytes: Int(next - offset))
        offset = next
        searchedBytes = 0
        lastActivity = now
        return queue.isFull ? .full : .more
    }

    // MARK: - Parts

    /// Whether the buffer's first `overlap` bytes are what was read before `offset`.
    func isContinued(_ buffer: borrowing ByteBuffer, _ overlap: Int) -> Bool {
        buffer.count >= overlap && buffer.withSpan { fingerprint.matchesTail($0, 0..<overlap) }
    }

    /// Makes the constant part of the events.
    ///
    /// What of the file's first line is there by now counts for its identity.
    func prepareTemplate(_ context: Context) throws(Errno) {
        if state.token == nil {
            guard let raw else { throw Errno(EBADF) }
            state.token = try IdentityToken.token(key, generation: state.generation, raw: raw)
        }
        guard let token = state.token else { return }
        template = EventTemplate(source: context.source, path: state.path, key: state.key, token: token.value)
    }

    func read(into buffer: inout ByteBuffer, _ length: Int, at position: Int64) throws(Errno) {
        guard let raw else { throw Errno(EBADF) }
        try buffer.append(raw: raw, position, length)
    }
}

extension RawSpan {
    /// The range without the beginning of a UTF-8 sequence at its end, when the rest of the sequence is not in it.
    func trimmedToWholeScalars(_ range: Range<Int>) -> Range<Int> {
        var index = range.upperBound - 1
        while index >= range.lowerBound, index > range.upperBound - 4 {
            let byte = self[index]
            if byte & 0xC0 != 0x80 {
                let needed = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1
                return index + needed > range.upperBound ? range.lowerBound..<index : range
            }
            index -= 1
        }
        return range
    }
}
