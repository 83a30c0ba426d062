/// Finding what a person meant to type.
package enum Nearest {
    /// The candidate with the fewest edits from `word`; nil when all are too different to be meant.
    package static func match(for word: String, among candidates: some Sequence<String>) -> String? {
        // Long text is not a misspelt key, and the distance is quadratic.
        guard word.utf8.count <= 64 else { return nil }
        let limit = max(1, word.utf8.count / 3)
        var best: (candidate: String, distance: Int)?
        for candidate in candidates {
            let edits = distance(word.lowercased(), candidate.lowercased())
            if edits <= limit, edits < best?.distance ?? .max { best = (candidate, edits) }
        }
        return best?.candidate
    }

    /// `(did you mean "…"?)` with a space before it; empty without a near candidate.
    package static func hint(for word: String, among candidates: some Sequence<String>) -> String {
        match(for: word, among: candidates).map { " (did you mean \"\($0)\"?)" } ?? ""
    }

    /// Insertions, deletions, substitutions and swaps of neighbours that turn one text into the other.
    package static func distance(_ left: String, _ right: String) -> Int {
        let left = Array(left.utf8)
        let right = Array(right.utf8)
        var beforePrevious: [Int] = []
        var previous = Array(0...right.count)
        for row in 0..<left.count {
            var current = [row + 1]
            for column in 0..<right.count {
                let change = left[row] == right[column] ? 0 : 1
                var edits = min(previous[column] + change, previous[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                    edits = min(edits, beforePrevious[column - 1] + 1)
                }
                current.append(edits)
            }
            beforePrevious = previous
            previous = current
        }
        return previous[right.count]
    }
}
