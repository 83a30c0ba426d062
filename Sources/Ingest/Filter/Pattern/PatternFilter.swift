import Common

/// Searches a field for patterns and writes what their groups hold; `grok` and `regex` of one worker.
final class PatternFilter: Filter {
    private let plan: PatternMatching
    private let match: RegularExpressionMatch
    private var text = ByteBuffer()
    /// Which of the overwritten fields this event has been given already.
    private var isWritten: [Bool]

    init(_ plan: PatternMatching) {
        self.plan = plan
        match = RegularExpressionMatch(captures: plan.captureCount, limit: plan.backtrackLimit)
        isWritten = Array(repeating: false, count: plan.overwrite.count)
    }

    func apply(to record: Record) throws(FilterFailure) -> FilterOutcome {
        guard let node = record.find(plan.field) else {
            throw FilterFailure(plan.failure, "there is no field \(plan.field.text)")
        }
        for index in isWritten.indices { isWritten[index] = false }
        var isMatched = false
        if record.kind(of: node) == .list {
            for element in record.children(of: node) {
                if try search(element, record) { isMatched = true }
                if isMatched, plan.breaksOnMatch { break }
            }
        } else {
            isMatched = try search(node, record)
        }
        guard isMatched else {
            let count = plan.patterns.count
            throw FilterFailure(
                plan.failure,
                "\(plan.field.text) does not match "
                    + (count == 1 ? "the pattern" : "any of \(count) patterns")
            )
        }
        return .next
    }

    private func search(_ node: Record.Node, _ record: Record) throws(FilterFailure) -> Bool {
        guard record.copyText(of: node, into: &text) else { return false }
        return try text.withSpan { bytes throws(FilterFailure) in try search(bytes, record) }
    }

    private func search(_ bytes: RawSpan, _ record: Record) throws(FilterFailure) -> Bool {
        let range = 0..<bytes.byteCount
        let limitHits = match.limitHits
        let deadline = Clock.monotonic + plan.timeout.nanoseconds
        var isMatched = false
        for pattern in plan.patterns {
            if !pattern.required.isEmpty, bytes.firstIndex(of: pattern.required, in: range) == nil {
                continue
            }
            if pattern.expression.firstMatch(in: bytes, range, into: match, until: deadline) {
                isMatched = true
                try write(pattern, bytes, record)
                if plan.breaksOnMatch { return true }
            } else if match.limitHits != limitHits {
                throw FilterFailure(
                    plan.timeoutFailure,
                    "a pattern was given up on \(plan.field.text) of \(range.count) bytes: it backtracks too often"
                )
            }
        }
        return isMatched
    }

    private func write(_ pattern: CapturePattern, _ bytes: RawSpan, _ record: Record) throws(FilterFailure) {
        for (index, capture) in pattern.captures.enumerated() {
            guard let range = match[index + 1], !range.isEmpty || plan.keepsEmptyCaptures else { continue }
            var isAppended = false
            if let number = capture.overwritten {
                isAppended = isWritten[number]
                isWritten[number] = true
            } else {
                isAppended = record.find(capture.path) != nil
            }
            let node = try record.slot(capture.path, appending: isAppended)
            capture.type.write(bytes, range, to: node, of: record)
        }
    }
}
