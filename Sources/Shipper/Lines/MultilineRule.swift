import Common

/// Which lines are one event (`multiline`).
struct MultilineRule: Sendable {
    enum Kind: Sendable {
        /// A line that matches is appended to the one before.
        case after(RegularExpression, negate: Bool)
        /// A line that matches takes the next one to itself.
        case before(RegularExpression, negate: Bool)
        /// Lines that match, one behind the other.
        case whileMatching(RegularExpression, negate: Bool)
        case count(Int)
        case pythonTraceback
    }

    let kind: Kind
    /// A line that matches ends its event.
    var flush: RegularExpression?
    /// Further lines are left out, and the event flagged.
    var maxLines = 500
    /// How long an event waits for another line.
    var timeout = Duration.seconds(5)
    /// Lines are joined without a line feed.
    var skipsNewline = false

    /// What a line is to the lines before it.
    struct Decision: Equatable {
        /// Part of the event that is open.
        var joins: Bool
        /// Its event is complete with it.
        var ends: Bool
    }

    /// - Parameters:
    ///   - lines: of the event that is open; 0 when none is.
    ///   - traceback: state of that event.
    func decide(
        _ text: RawSpan,
        lines: Int,
        _ traceback: inout PythonTraceback,
        _ match: RegularExpressionMatch
    ) -> Decision {
        let range = 0..<text.byteCount
        let isOpen = lines > 0
        var decision: Decision
        switch kind {
        case .after(let pattern, let negate):
            let matches = pattern.firstMatch(in: text, range, into: match) != negate
            decision = Decision(joins: isOpen && matches, ends: false)
        case .before(let pattern, let negate):
            let matches = pattern.firstMatch(in: text, range, into: match) != negate
            decision = Decision(joins: isOpen, ends: !matches)
        case .whileMatching(let pattern, let negate):
            let matches = pattern.firstMatch(in: text, range, into: match) != negate
            decision = Decision(joins: isOpen && matches, ends: !matches)
        case .count(let count):
            decision = Decision(joins: isOpen, ends: lines + 1 >= count)
        case .pythonTraceback:
            let continues = traceback.continues(text, range)
            decision = Decision(joins: isOpen && continues, ends: false)
        }
        if let flush, flush.firstMatch(in: text, range, into: match) { decision.ends = true }
        return decision
    }
}
