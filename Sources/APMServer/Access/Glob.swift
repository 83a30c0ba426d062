/// A pattern in which `*` stands for any run of characters, also none.
struct Glob: Equatable, Sendable {
    private let pattern: [UInt8]

    init(_ pattern: String) { self.pattern = Array(pattern.utf8) }

    /// Whether the pattern describes all of `text`.
    func matches(_ text: String) -> Bool {
        let text = Array(text.utf8)
        var (inText, inPattern) = (0, 0)
        /// Where to go on when the text after the last star does not fit: that star takes one byte more.
        var retry: (text: Int, pattern: Int)?
        while inText < text.count {
            if inPattern < pattern.count, pattern[inPattern] == UInt8(ascii: "*") {
                inPattern += 1
                retry = (inText, inPattern)
            } else if inPattern < pattern.count, pattern[inPattern] == text[inText] {
                inText += 1
                inPattern += 1
            } else if let last = retry {
                retry = (last.text + 1, last.pattern)
                (inText, inPattern) = (last.text + 1, last.pattern)
            } else {
                return false
            }
        }
        return pattern[inPattern...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}
