import Common
import Glibc

/// Cuts lines into the variables of a `NginxLogFormat`, without regular expressions.
///
/// Time grows linearly with the line: text ends at the next literal behind which everything of known shape (status, numbers,
/// times, lists) fits as well, and those shapes are bounded. So `jos [é p` as user or `a|b` as request is cut right.
struct NginxScanner {
    /// Where and why a line does not fit the format.
    struct Failure: Error, Equatable {
        /// The variable that was being read; nil for text before the first or after the last.
        let step: Int?
        /// Byte offset into the line.
        let offset: Int
    }

    /// Longest number that is looked at; longer digits are no number of nginx.
    private static let maxNumberBytes = 32
    /// Most elements of an upstream list outside of quotes, and the longest of them.
    private static let maxListElements = 64
    private static let maxListElementBytes = 256

    let format: NginxLogFormat
    /// The values of the last line that was cut, in the order of the format.
    private(set) var captures: [Range<Int>]

    private var reached = 0
    private var reachedStep: Int?

    init(format: NginxLogFormat) {
        self.format = format
        captures = Array(repeating: 0..<0, count: format.steps.count)
    }

    /// Cuts `line` into `captures`.
    ///
    /// - Returns: nil, or why the line does not fit; `captures` then means nothing.
    mutating func scan(_ line: RawSpan) -> Failure? {
        reached = 0
        reachedStep = nil
        guard matches(format.opening, line, at: 0) else { return Failure(step: nil, offset: 0) }
        guard var (step, offset) = shapes(from: 0, line, at: format.opening.count) else { return failure() }
        while step < format.steps.count {
            guard let next = text(step, line, from: offset) else { return failure() }
            (step, offset) = next
        }
        return nil
    }

    private func failure() -> Failure { Failure(step: reachedStep, offset: reached) }

    /// Reads variables of known shape and the literals behind them, up to the next variable that is text.
    ///
    /// - Returns: that variable and where it starts; nil if something does not fit, the end of the line included.
    private mutating func shapes(from first: Int, _ line: RawSpan, at start: Int) -> (step: Int, offset: Int)?
    {
        var index = first
        var offset = start
        while index < format.steps.count {
            let step = format.steps[index]
            if step.shape == .text { return (index, offset) }
            guard let end = end(of: step.shape, line, from: offset), matches(step.literal, line, at: end)
            else {
                note(index, offset)
                return nil
            }
            captures[index] = offset..<end
            offset = end + step.literal.count
            index += 1
        }
        guard offset == line.byteCount else {
            note(nil, offset)
            return nil
        }
        return (index, offset)
    }

    /// Reads a variable that is text, and everything of known shape behind it.
    @inline(__always)
    private mutating func text(_ index: Int, _ line: RawSpan, from start: Int) -> (step: Int, offset: Int)? {
        let step = format.steps[index]
        if step.literal.isEmpty {
            guard step.lead == nil else { return group(index, line, from: start) }
            captures[index] = start..<line.byteCount
            return (index + 1, line.byteCount)
        }
        let first = format.text[step.literal.lowerBound]
        // Such a quote can stand only at the end of a value, since nginx escapes the others.
        let isQuote = first == UInt8(ascii: "\"") && format.escape != .none
        var fallback: Int?
        var from = start
        while let candidate = line.firstIndex(of: first, in: from..<line.byteCount) {
            from = candidate + 1
            if isQuote, line.isEscaped(candidate, from: start) {
                // A value that ends in a backslash, where only quotes are escaped.
                guard format.escape == .quotes, fallback == nil, matches(step.literal, line, at: candidate)
                else { continue }
                fallback = candidate
                continue
            }
            if matches(step.literal, line, at: candidate),
                let next = shapes(from: index + 1, line, at: candidate + step.literal.count)
            {
                captures[index] = start..<candidate
                return next
            }
            if isQuote {
                note(index, candidate)
                break
            }
        }
        if let fallback, let next = shapes(from: index + 1, line, at: fallback + step.literal.count) {
            captures[index] = start..<fallback
            return next
        }
        note(index, start)
        return nil
    }

    /// Reads variables without literals between them, such as `$scheme$request_uri` or `$uri$is_args$args`.
    private mutating func group(_ first: Int, _ line: RawSpan, from start: Int) -> (step: Int, offset: Int)? {
        var last = first
        while format.steps[last].lead != nil { last += 1 }
        guard let next = text(last, line, from: start) else { return nil }
        let end = captures[last].upperBound
        var offset = start
        for index in first..<last {
            var stop = end
            if let lead = format.steps[index].lead {
                stop =
                    lead == 0
                    ? min(offset + 1, end)
                    : line.firstIndex(of: lead, in: offset..<end) ?? end
            }
            captures[index] = offset..<stop
            offset = stop
        }
        captures[last] = offset..<end
        return next
    }

    /// Remembers how far a line fitted, for the message.
    private mutating func note(_ step: Int?, _ offset: Int) {
        guard offset >= reached else { return }
        reached = offset
        reachedStep = step
    }

    @inline(__always)
    private func matches(_ literal: Range<Int>, _ line: RawSpan, at offset: Int) -> Bool {
        guard offset + literal.count <= line.byteCount else { return false }
        for distance in 0..<literal.count
        where line[offset + distance] != format.text[literal.lowerBound + distance] {
            return false
        }
        return true
    }

    /// Where a value of known shape that starts at `start` ends; nil if none starts there.
    @inline(__always)
    private func end(of shape: NginxVariable.Shape, _ line: RawSpan, from start: Int) -> Int? {
        switch shape {
        case .status:
            let end = start + 3
            guard end <= line.byteCount, line.areDigits(start..<end) else { return nil }
            return end
        case .integer: return number(line, from: start, hasPoint: false)
        case .decimal: return number(line, from: start, hasPoint: true)
        case .timeLocal:
            let end = start + 26
            guard end <= line.byteCount, line[start + 2] == UInt8(ascii: "/"),
                line[start + 11] == UInt8(ascii: ":"), line[start + 20] == UInt8(ascii: " ")
            else { return nil }
            return end
        case .timeISO8601:
            let end = start + 25
            guard end <= line.byteCount, line[start + 4] == UInt8(ascii: "-"),
                line[start + 10] == UInt8(ascii: "T"), line[start + 22] == UInt8(ascii: ":")
            else { return nil }
            return end
        case .list: return list(line, from: start)
        case .text: return nil
        }
    }

    @inline(__always)
    private func number(_ line: RawSpan, from start: Int, hasPoint: Bool) -> Int? {
        let limit = min(start + Self.maxNumberBytes, line.byteCount)
        var end = start
        while end < limit, line[end] &- 48 < 10 || (hasPoint && line[end] == UInt8(ascii: ".")) { end += 1 }
        if end > start { return end }
        if start < limit, line[start] == UInt8(ascii: "-") { return start + 1 }
        return format.escape.marksMissing ? nil : start
    }

    /// The end of a list such as `10.0.0.1:80, 10.0.0.2:80 : -`.
    private func list(_ line: RawSpan, from start: Int) -> Int? {
        var end = start
        for _ in 0..<Self.maxListElements {
            let limit = min(end + Self.maxListElementBytes, line.byteCount)
            let elementStart = end
            while end < limit, line[end] != 0x20, line[end] != UInt8(ascii: ",") { end += 1 }
            if end == elementStart { return format.escape.marksMissing ? nil : end }
            if line.has(", ", at: end) {
                end += 2
            } else if line.has(" : ", at: end) {
                end += 3
            } else {
                return end
            }
        }
        return nil
    }
}

extension RawSpan {
    /// Whether `text` stands at `offset`.
    @inline(__always)
    func has(_ text: StaticString, at offset: Int) -> Bool {
        let end = offset + text.utf8CodeUnitCount
        return end <= byteCount && equals(text, offset..<end)
    }

    @inline(__always)
    func areDigits(_ range: Range<Int>) -> Bool {
        for index in range where self[index] &- 48 > 9 { return false }
        return !range.isEmpty
    }

    /// Whether an odd number of backslashes stands before `offset`.
    @inline(__always)
    func isEscaped(_ offset: Int, from start: Int) -> Bool {
        var index = offset
        while index > start, self[index - 1] == UInt8(ascii: "\\") { index -= 1 }
        return (offset - index) & 1 == 1
    }
}
