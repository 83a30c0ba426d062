/// Removes the letters that a filter names from all segments.
struct DeadLetterPurge {
    /// How long to wait for a segment that ingest is writing to.
    static let patience = Duration.seconds(2)

    let directory: DeadLetterDirectory
    let filter: DeadLetterFilter
    /// Only says what would be removed.
    let isDryRun: Bool
    /// Told of each segment before its letters are removed.
    let say: (_ segment: String, _ letters: Int) -> Void

    /// - Returns: how many letters were removed.
    func run() throws(DeadLetterError) -> Int {
        var removed = 0
        for segment in try directory.segments() where segment.byteCount > 0 {
            removed += try purge(segment.path, changed: segment.changed)
        }
        return removed
    }

    private func purge(_ path: String, changed: CalendarTime) throws(DeadLetterError) -> Int {
        guard !isDryRun else {
            let count = try count(path)
            if count > 0 { say(path, count) }
            return count
        }
        guard let locked = try LockedSegment.open(path, patience: Self.patience) else { return 0 }
        // Counted first, so that it is said before it is done.
        let count = try count(path)
        guard count > 0 else { return 0 }
        say(path, count)
        var replacement = try DeadLetterReplacement(of: locked.path)
        if var reader = try DeadLetterReader.open(path, takesRest: true) {
            while try reader.advance() {
                try reader.withLine { (line) throws(DeadLetterError) in
                    if !isNamed(line) { try replacement.append(line: line) }
                }
            }
        }
        try replacement.commit(changed: changed)
        return count
    }

    private func count(_ path: String) throws(DeadLetterError) -> Int {
        var count = 0
        guard var reader = try DeadLetterReader.open(path, takesRest: !isDryRun) else { return 0 }
        while try reader.advance() {
            if reader.withLine(isNamed) { count += 1 }
        }
        return count
    }

    /// Whether the filter names the letter; a line that is none goes only with everything else.
    private func isNamed(_ line: RawSpan) -> Bool {
        guard let entry = DeadLetterEntry(line) else { return filter.isEmpty }
        return filter.matches(entry)
    }
}
