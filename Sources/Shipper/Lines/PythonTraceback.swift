import Common

/// Recognises Python's tracebacks without knowing how other lines begin.
///
///     ERROR:root:it failed                                    the line before, of which the traceback is part
///     Traceback (most recent call last):
///       File "app.py", line 3, in run                         frames are indented
///     ValueError: the exception                               the first line that is not
///                                                             an empty line, and a chain goes on:
///     During handling of the above exception, another exception occurred:
struct PythonTraceback: Equatable, Sendable {
    enum State: Equatable, Sendable {
        /// Nothing of a traceback so far.
        case outside
        case inFrames
        /// The exception itself was read; only a chain continues.
        case afterException
        /// An empty line or the phrase of a chain was read: the next has to be another part of it.
        case inChain
    }

    private(set) var state = State.outside

    private static let title: StaticString = "Traceback (most recent call last):"
    private static let phrases: [StaticString] = [
        "The above exception was the direct cause of the following exception:",
        "During handling of the above exception, another exception occurred:",
    ]

    /// Whether a line belongs to the event before it; the state moves on with it.
    mutating func continues(_ text: RawSpan, _ line: Range<Int>) -> Bool {
        let next = Self.next(state, text, line)
        state = next ?? .outside
        return next != nil
    }

    /// The state behind a line that is part of the event; nil for one that is not.
    private static func next(_ state: State, _ text: RawSpan, _ line: Range<Int>) -> State? {
        if begins(text, line, title) { return .inFrames }
        let isIndented = !line.isEmpty && (text[line.lowerBound] == 0x20 || text[line.lowerBound] == 0x09)
        switch state {
        case .outside: return isIndented ? .outside : nil
        case .inFrames: return isIndented || line.isEmpty ? .inFrames : .afterException
        case .afterException:
            // A message of several lines: its own are usually indented.
            if isIndented { return .afterException }
            return line.isEmpty ? .inChain : nil
        case .inChain: return line.isEmpty || phrases.contains { begins(text, line, $0) } ? .inChain : nil
        }
    }

    private static func begins(_ text: RawSpan, _ line: Range<Int>, _ prefix: StaticString) -> Bool {
        let end = line.lowerBound + prefix.utf8CodeUnitCount
        return end <= line.upperBound && text.equals(prefix, line.lowerBound..<end)
    }
}
