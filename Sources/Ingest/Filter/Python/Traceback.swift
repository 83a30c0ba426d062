import Common

/// An exception as Python's `traceback` writes it, found in a text.
///
///     Traceback (most recent call last):
///       File "/srv/app/shop.py", line 11, in boom
///         d={}; return d['missing']
///                      ~^^^^^^^^^^^
///     KeyError: 'missing'
///
/// Of exceptions that were raised while another was handled, the last block is the one that nobody caught, so it gives type
/// and message; of an exception group it is the group.
struct Traceback: Equatable {
    /// From the first `Traceback` to the end of the text, without line ends there.
    let stack: Range<Int>
    let type: Range<Int>?
    let message: Range<Int>?
    /// Equal for exceptions of the same type that were raised in the same functions.
    let groupingKey: UInt64

    private static let header: StaticString = "Traceback (most recent call last):"

    /// The exception in `range`; nil when there is none.
    init?(_ text: RawSpan, _ range: Range<Int>) {
        var end = range.upperBound
        while end > range.lowerBound, text[end - 1] == 0x0A || text[end - 1] == 0x0D { end -= 1 }
        var first: Int?
        var last = 0
        var isGroup = false
        var offset = range.lowerBound
        while let found = text.firstIndex(of: Self.header, in: offset..<end) {
            offset = found + Self.header.utf8CodeUnitCount
            guard let line = Self.startOfHeader(text, found, range.lowerBound),
                offset == end || text[offset] == 0x0A || text[offset] == 0x0D
            else { continue }
            let isInGroup = found - line > 0
            if first == nil {
                first = line
                isGroup = isInGroup
            }
            if !isGroup || last == 0 { last = offset }
        }
        guard let first else { return nil }
        stack = first..<end
        let block = Block(text, last..<end)
        type = block.type
        message = block.message
        groupingKey = Self.groupingKey(of: block.type, in: text, frames: last..<end)
    }

    /// The hash of a type and of files and functions of a stack, without numbers of lines and addresses in memory.
    static func groupingKey(of type: Range<Int>?, in text: RawSpan, frames: Range<Int>) -> UInt64 {
        var hash = XXHash64()
        if let type { hash.update(text, type) }
        var lines = Lines(frames)
        while let line = lines.next(text) {
            guard let frame = Frame(text, line) else { continue }
            hash.update(text, frame.file)
            update(&hash, text, frame.function)
        }
        return hash.value
    }

    /// Adds text without what follows `0x`, such as the address in `<Job object at 0x7f00>`.
    private static func update(_ hash: inout XXHash64, _ text: RawSpan, _ range: Range<Int>) {
        var start = range.lowerBound
        while let address = text.firstIndex(of: "0x", in: start..<range.upperBound) {
            hash.update(text, start..<address + 2)
            start = address + 2
            while start < range.upperBound, Hexadecimal.value(text[start]) != nil { start += 1 }
        }
        hash.update(text, start..<range.upperBound)
    }

    /// Where the line of a header begins; nil when other text stands before it.
    private static func startOfHeader(_ text: RawSpan, _ offset: Int, _ start: Int) -> Int? {
        var index = offset
        let group: StaticString = "Exception Group "
        let groupStart = offset - group.utf8CodeUnitCount
        if groupStart >= start, text.has(group, at: groupStart) { index = groupStart }
        while index > start, text[index - 1] != 0x0A {
            let byte = text[index - 1]
            guard byte == 0x20 || byte == UInt8(ascii: "|") || byte == UInt8(ascii: "+") else { return nil }
            index -= 1
        }
        return index
    }
}

extension Traceback {
    /// What stands behind a header: frames, then the exception, whose message may have several lines.
    private struct Block {
        var type: Range<Int>?
        var message: Range<Int>?

        init(_ text: RawSpan, _ range: Range<Int>) {
            var lines = Lines(range)
            while let whole = lines.next(text) {
                // Groups draw a bar before each line.
                var start = whole.lowerBound
                while start < whole.upperBound, text[start] == 0x20 { start += 1 }
                let hasBar = start < whole.upperBound && text[start] == UInt8(ascii: "|")
                let line = hasBar ? min(start + 2, whole.upperBound)..<whole.upperBound : whole
                guard !line.isEmpty, text[line.lowerBound] != 0x20 else { continue }
                var end = line.lowerBound
                while end < line.upperBound, Self.isNameByte(text[end]) { end += 1 }
                guard end > line.lowerBound else { continue }
                if end == line.upperBound {
                    type = line
                    return
                }
                guard text[end] == UInt8(ascii: ":") else { continue }
                type = line.lowerBound..<end
                var messageStart = end + 1
                let last = hasBar ? line.upperBound : range.upperBound
                if messageStart < last, text[messageStart] == 0x20 { messageStart += 1 }
                if messageStart < last { message = messageStart..<last }
                return
            }
        }

        /// Of `package.module.Type`; names may be of any script.
        private static func isNameByte(_ byte: UInt8) -> Bool {
            byte >= 0x80 || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_") || byte &- 48 < 10
                || (byte | 0x20) &- 97 < 26
        }
    }

    /// A line such as `File "/srv/app/shop.py", line 11, in boom`, indented.
    private struct Frame {
        let file: Range<Int>
        let function: Range<Int>

        init?(_ text: RawSpan, _ line: Range<Int>) {
            let opening: StaticString = "File \""
            let middle: StaticString = "\", line "
            var start = line.lowerBound
            while start < line.upperBound, text[start] == 0x20 || text[start] == UInt8(ascii: "|") {
                start += 1
            }
            guard start > line.lowerBound, text.has(opening, at: start) else { return nil }
            let fileStart = start + opening.utf8CodeUnitCount
            guard fileStart <= line.upperBound,
                let fileEnd = text.firstIndex(of: middle, in: fileStart..<line.upperBound)
            else { return nil }
            file = fileStart..<fileEnd
            let rest = fileEnd + middle.utf8CodeUnitCount..<line.upperBound
            function =
                text.firstIndex(of: ", in ", in: rest).map { $0 + 5..<line.upperBound }
                ?? line.upperBound..<line.upperBound
        }
    }

    /// The lines of a range, without their ends.
    private struct Lines {
        private var offset: Int
        private let end: Int

        init(_ range: Range<Int>) {
            offset = range.lowerBound
            end = range.upperBound
        }

        mutating func next(_ text: RawSpan) -> Range<Int>? {
            guard offset < end else { return nil }
            let start = offset
            var stop = text.firstIndex(of: 0x0A, in: offset..<end) ?? end
            offset = stop + 1
            if stop > start, text[stop - 1] == 0x0D { stop -= 1 }
            return start..<stop
        }
    }

    /// Sets `error.*` of an exception in `line`.
    func set(_ line: RawSpan, _ event: inout Event) {
        event.set(.errorStackTrace, text: stack, in: .line)
        if let type { event.set(.errorType, text: type, in: .line) }
        if let message {
            // As JSON, so that other reasons can be added to it.
            let start = event.arena.count
            event.arena.append(UInt8(ascii: "\""))
            event.arena.append(jsonEscaped: line, message)
            event.arena.append(UInt8(ascii: "\""))
            event.set(.errorMessage, json: start..<event.arena.count, in: .arena)
        }
        Self.setGroupingKey(groupingKey, &event)
    }

    static func setGroupingKey(_ key: UInt64, _ event: inout Event) {
        let start = event.arena.count
        event.arena.append(hexadecimal: key)
        event.set(.errorGroupingKey, text: start..<event.arena.count, in: .arena)
    }
}
