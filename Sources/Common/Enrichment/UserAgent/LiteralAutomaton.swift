/// Finds which of many literals a text contains, in one pass: an Aho-Corasick automaton as a table of states.
///
/// Literals are lower case; the text's ASCII letters are folded on the way. Each literal carries tags, which
/// the caller gets for every occurrence.
struct LiteralAutomaton: Sendable {
    /// Column of the table for each byte; bytes that are in no literal share column 0.
    private var columns: [UInt8]
    private var columnCount: Int
    /// `table[state * columnCount + column]` is the next state.
    private var table: [UInt16]
    /// Tags of state `s` are `tags[tagStarts[s]..<tagStarts[s + 1]]`.
    private var tagStarts: [UInt32]
    private var tags: [UInt16]

    /// States have 16 bits: half the memory, and 65,535 suffice for five times uap-core's rules.
    static let maxStates = Int(UInt16.max)

    /// - Parameter literals: non-empty lower-case literals with a tag each.
    /// - Returns: nil when they need more states than there can be.
    init?(_ literals: [(literal: [UInt8], tag: UInt16)]) {
        columns = [UInt8](repeating: 0, count: 256)
        columnCount = 1
        for (literal, _) in literals {
            for byte in literal where columns[Int(byte)] == 0 {
                // 230 bytes are not capital letters, so the number fits.
                columns[Int(byte)] = UInt8(columnCount)
                columnCount += 1
            }
        }
        for upper in 65...90 { columns[upper] = columns[upper | 0x20] }

        table = [UInt16](repeating: 0, count: columnCount)
        var own: [[UInt16]] = [[]]
        for (literal, tag) in literals {
            var state = 0
            for byte in literal {
                let cell = state * columnCount + Int(columns[Int(byte)])
                if table[cell] == 0 {
                    guard own.count < Self.maxStates else { return nil }
                    table[cell] = UInt16(own.count)
                    own.append([])
                    table.append(contentsOf: repeatElement(0, count: columnCount))
                }
                state = Int(table[cell])
            }
            own[state].append(tag)
        }

        // Breadth first: a state's fall-back is shorter, so its row and tags are complete when they are needed.
        var fallback = [Int](repeating: 0, count: own.count)
        var queue = [0]
        queue.reserveCapacity(own.count)
        var head = 0
        while head < queue.count {
            let state = queue[head]
            head += 1
            for column in 0..<columnCount {
                let cell = state * columnCount + column
                let shorter = state == 0 ? 0 : table[fallback[state] * columnCount + column]
                let next = Int(table[cell])
                if next == 0 {
                    table[cell] = shorter
                } else {
                    fallback[next] = Int(shorter)
                    own[next] += own[Int(shorter)]
                    queue.append(next)
                }
            }
        }

        tags = []
        tagStarts = []
        for list in own {
            tagStarts.append(UInt32(tags.count))
            tags += Set(list).sorted()
        }
        tagStarts.append(UInt32(tags.count))
    }

    /// Calls `found` with the tag of every literal at every place it occurs.
    @inline(__always)
    func scan(_ bytes: RawSpan, _ range: Range<Int>, _ found: (UInt16) -> Void) {
        let columns = columns.span
        let table = table.span
        let starts = tagStarts.span
        let tags = tags.span
        var state = 0
        for index in range {
            let byte = bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self)
            state = Int(table[state * columnCount + Int(columns[Int(byte)])])
            var tag = Int(starts[state])
            let end = Int(starts[state + 1])
            while tag < end {
                found(tags[tag])
                tag += 1
            }
        }
    }
}
