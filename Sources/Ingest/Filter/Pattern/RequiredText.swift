/// The longest text that a pattern needs as it stands: a search for it is far cheaper than a match that fails.
///
/// Only what stands outside of groups, classes and references counts, and nothing in a pattern with alternatives or
/// inline options: wrong would be worse than none.
struct RequiredText {
    /// Shorter ones are in nearly every line.
    private static let minBytes = 3

    /// Empty when there is none.
    let bytes: [UInt8]

    /// - Parameter pattern: as the user wrote it, with `%{NAME}` still in it.
    init(_ pattern: String) {
        var scanner = Scanner(pattern: Array(pattern.utf8))
        bytes = scanner.texts().filter { $0.count >= Self.minBytes }.max { $0.count < $1.count } ?? []
    }

    private struct Scanner {
        let pattern: [UInt8]
        var index = 0
        var runs: [[UInt8]] = []
        var run: [UInt8] = []

        private mutating func cut() {
            runs.append(run)
            run = []
        }

        /// - Returns: all texts, or none when something makes them doubtful.
        mutating func texts() -> [[UInt8]] {
            while index < pattern.count {
                let byte = pattern[index]
                switch byte {
                case UInt8(ascii: "|"): return []
                case UInt8(ascii: "%")
                where index + 1 < pattern.count && pattern[index + 1] == UInt8(ascii: "{"):
                    cut()
                    guard let end = pattern[index...].firstIndex(of: UInt8(ascii: "}")) else { return [] }
                    // A definition within a reference has braces of its own.
                    guard !pattern[index..<end].contains(UInt8(ascii: "=")) else { return [] }
                    index = end + 1
                case UInt8(ascii: "("):
                    cut()
                    guard skipGroup() else { return [] }
                case UInt8(ascii: "["):
                    cut()
                    guard skipClass() else { return [] }
                case UInt8(ascii: "\\"):
                    guard index + 1 < pattern.count else { return [] }
                    let escaped = pattern[index + 1]
                    index += 2
                    if (escaped | 0x20) &- 97 < 26 || escaped &- 48 < 10 || escaped >= 0x80 {
                        // A class or a place; with more behind it, such as `\x41` or `\p{L}`, all is doubtful.
                        guard [UInt8]("dDwWsSbBAzZhH".utf8).contains(escaped) else { return [] }
                        cut()
                    } else {
                        run.append(escaped)
                    }
                case UInt8(ascii: "?"), UInt8(ascii: "*"), UInt8(ascii: "{"), UInt8(ascii: "+"):
                    // What a quantifier follows may be missing, or repeated.
                    if !run.isEmpty { run.removeLast() }
                    cut()
                    index += 1
                    if byte == UInt8(ascii: "{") {
                        guard let end = pattern[index...].firstIndex(of: UInt8(ascii: "}")) else { return [] }
                        index = end + 1
                    }
                case UInt8(ascii: "."), UInt8(ascii: "^"), UInt8(ascii: "$"):
                    cut()
                    index += 1
                case 0x80...:
                    // A quantifier behind it would mean all bytes of the character.
                    cut()
                    index += 1
                default:
                    run.append(byte)
                    index += 1
                }
            }
            cut()
            return runs
        }

        /// Steps over a group and those in it; false for options that change what follows.
        private mutating func skipGroup() -> Bool {
            var depth = 0
            while index < pattern.count {
                switch pattern[index] {
                case UInt8(ascii: "\\"): index += 1
                case UInt8(ascii: "["):
                    guard skipClass() else { return false }
                    continue
                case UInt8(ascii: "("):
                    depth += 1
                    let flag =
                        index + 2 < pattern.count && pattern[index + 1] == UInt8(ascii: "?")
                        ? pattern[index + 2] : 0
                    // `(?i)`, `(?x)`, `(?-i)`, comments
                    if (flag | 0x20) &- 97 < 26 || flag == UInt8(ascii: "-") || flag == UInt8(ascii: "#") {
                        return false
                    }
                case UInt8(ascii: ")"):
                    depth -= 1
                    if depth == 0 {
                        index += 1
                        return true
                    }
                default: break
                }
                index += 1
            }
            return false
        }

        private mutating func skipClass() -> Bool {
            var depth = 0
            while index < pattern.count {
                switch pattern[index] {
                case UInt8(ascii: "\\"): index += 1
                case UInt8(ascii: "["):
                    depth += 1
                    // A bracket at the beginning does not close the class.
                    if index + 1 < pattern.count, pattern[index + 1] == UInt8(ascii: "^") { index += 1 }
                    if index + 1 < pattern.count, pattern[index + 1] == UInt8(ascii: "]") { index += 1 }
                case UInt8(ascii: "]"):
                    depth -= 1
                    if depth == 0 {
                        index += 1
                        return true
                    }
                default: break
                }
                index += 1
            }
            return false
        }
    }
}
