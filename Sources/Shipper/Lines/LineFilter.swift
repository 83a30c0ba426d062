import Common

/// Which events are sent at all (`include_lines`, `exclude_lines`): the first list before the second, both on the whole
/// message.
struct LineFilter: Sendable {
    var included: [RegularExpression] = []
    var excluded: [RegularExpression] = []

    var isEmpty: Bool { included.isEmpty && excluded.isEmpty }

    func admits(_ message: RawSpan, _ match: RegularExpressionMatch) -> Bool {
        let range = 0..<message.byteCount
        if !included.isEmpty, !included.contains(where: { $0.firstMatch(in: message, range, into: match) }) {
            return false
        }
        return !excluded.contains { $0.firstMatch(in: message, range, into: match) }
    }
}
