import CLinux

/// What bytes a text must contain so that a regular expression can match it at all.
///
/// The answer is a list of sets: of each set at least one literal occurs in every text that matches. Literals are
/// in lower case, to be looked for in the lower-cased text. Nothing is promised too much: syntax this reader does
/// not know for sure (look-around, back-references, inline options, escapes by number) gives no sets, which means
/// "always try it".
struct RequiredLiterals {
    /// Every set holds one literal or more, none of them empty.
    let sets: [[[UInt8]]]

    init(_ pattern: String) {
        var parser = Parser(pattern: Array(pattern.utf8))
        guard let node = parser.alternation(depth: 0), parser.isAtEnd else {
            sets = []
            return
        }
        var found = node.required
        if let exact = node.exact { found.append(exact) }
        sets = Self.best(found)
    }

    /// The most telling sets, at most `maxSets`.
    private static func best(_ candidates: [[[UInt8]]]) -> [[[UInt8]]] {
        var seen: Set<[[UInt8]]> = []
        var ranked: [(score: Int, set: [[UInt8]])] = []
        for candidate in candidates {
            let literals = Set(candidate.map { Array($0.prefix(maxLiteralLength)) })
            let set = literals.sorted { $0.lexicographicallyPrecedes($1) }
            let score = score(set)
            if score > 0, seen.insert(set).inserted { ranked.append((score, set)) }
        }
        ranked.sort { $0.score > $1.score }
        return ranked.prefix(maxSets).map(\.set)
    }

    /// Length of the shortest literal tells most; many alternatives and everyday words tell little.
    fileprivate static func score(_ set: [[UInt8]]) -> Int {
        guard let shortest = set.map(\.count).min(), shortest > 0 else { return 0 }
        var score = min(shortest, 10) * 16 + 8
        var count = set.count
        while count > 1 {
            score -= 6
            count /= 2
        }
        if set.contains(where: isEveryday) { score /= 4 }
        return max(score, 1)
    }

    /// Whether nearly every browser sends this.
    private static func isEveryday(_ literal: [UInt8]) -> Bool {
        everyday.withUnsafeBytes { text in
            literal.withUnsafeBytes { memmem(text.baseAddress, text.count, $0.baseAddress, $0.count) != nil }
        }
    }

    private static let everyday = Array(
        """
        mozilla/5.0 (windows nt 10.0; win64; x64) (macintosh; intel mac os x 10_15_7) (iphone; cpu iphone os 16_6 \
        like mac os x) (linux; android 13; sm build/) (compatible;  applewebkit/537.36 (khtml, like gecko) \
        version/4.0 chrome/110.0 mobile/15e148 safari/604.1 gecko/20100101 firefox/ ; u; en-us; wv) rv:
        """.utf8
    )

    /// Each set costs a lookup structure entry and narrows further; beyond three hardly.
    static let maxSets = 3
    /// Longer literals only make the automaton larger.
    private static let maxLiteralLength = 12
}

extension RequiredLiterals {
    /// What is known of a part of the expression.
    private struct Node {
        /// All texts this part can match, in lower case; nil when there are too many.
        var exact: [[UInt8]]?
        /// Sets of which one literal each occurs in every match of this part.
        var required: [[[UInt8]]] = []

        static let anything = Node(exact: nil)
        static let empty = Node(exact: [[]])

        /// The best single set, for use inside an alternation.
        var best: [[UInt8]]? {
            var sets = required
            if let exact { sets.append(exact) }
            return sets.filter { RequiredLiterals.score($0) > 0 }
                .max { RequiredLiterals.score($0) < RequiredLiterals.score($1) }
        }
    }

    private struct Parser {
        let pattern: [UInt8]
        var index = 0

        /// Texts kept of a part before it counts as "too many".
        static let maxExact = 32
        /// Alternatives in one set; the longest list of crawlers in uap-core has 200.
        static let maxAlternatives = 400
        /// Groups within groups; deeper ones are always tried.
        static let maxDepth = 50

        var isAtEnd: Bool { index == pattern.count }
        private var next: UInt8? { index < pattern.count ? pattern[index] : nil }

        private mutating func take(_ byte: UInt8) -> Bool {
            guard next == byte else { return false }
            index += 1
            return true
        }

        mutating func alternation(depth: Int) -> Node? {
            guard depth < Self.maxDepth else { return nil }
            guard var result = sequence(depth: depth) else { return nil }
            guard next == UInt8(ascii: "|") else { return result }
            var union = result.best
            while take(UInt8(ascii: "|")) {
                guard let branch = sequence(depth: depth) else { return nil }
                if let all = result.exact, let more = branch.exact, all.count + more.count <= Self.maxExact {
                    result.exact = all + more
                } else {
                    result.exact = nil
                }
                if let all = union, let more = branch.best, all.count + more.count <= Self.maxAlternatives {
                    union = all + more
                } else {
                    union = nil
                }
            }
            // Where all texts are known, they say it better than a set of them.
            result.required = result.exact == nil ? union.map { [$0] } ?? [] : []
            return result
        }

        private mutating func sequence(depth: Int) -> Node? {
            var result = Node.empty
            /// Texts that the last parts can match together, without a gap.
            var run: [[UInt8]] = [[]]
            var isExact = true
            while let byte = next, byte != UInt8(ascii: "|"), byte != UInt8(ascii: ")") {
                guard let atom = atom(depth: depth), let part = quantified(atom) else { return nil }
                result.required += part.required
                if let exact = part.exact, exact.count * run.count <= Self.maxExact {
                    run = run.flatMap { head in exact.map { head + $0 } }
                    continue
                }
                isExact = false
                result.required.append(run)
                run = part.exact ?? [[]]
            }
            result.exact = isExact ? run : nil
            if !isExact { result.required.append(run) }
            result.required.removeAll { RequiredLiterals.score($0) == 0 }
            return result
        }

        private mutating func atom(depth: Int) -> Node? {
            let byte = pattern[index]
            index += 1
            switch byte {
            case UInt8(ascii: "("):
                if take(UInt8(ascii: "?")) {
                    guard take(UInt8(ascii: ":")) else { return nil }
                } else if next == UInt8(ascii: "*") {
                    return nil
                }
                guard let inner = alternation(depth: depth + 1), take(UInt8(ascii: ")")) else { return nil }
                return inner
            case UInt8(ascii: "["): return characterClass()
            case UInt8(ascii: "."): return .anything
            case UInt8(ascii: "^"), UInt8(ascii: "$"): return .empty
            case UInt8(ascii: "\\"): return escape()
            case UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "?"): return nil
            default: return Node(exact: [[byte.lowerCased]])
            }
        }

        private mutating func escape() -> Node? {
            guard let byte = next else { return nil }
            index += 1
            switch byte {
            case UInt8(ascii: "d"), UInt8(ascii: "D"), UInt8(ascii: "w"), UInt8(ascii: "W"),
                UInt8(ascii: "s"),
                UInt8(ascii: "S"):
                return .anything
            case UInt8(ascii: "b"), UInt8(ascii: "B"): return .empty
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                return nil
            default: return Node(exact: [[byte]])
            }
        }

        /// A class with few members is that many texts; any other is anything.
        private mutating func characterClass() -> Node? {
            let isNegated = take(UInt8(ascii: "^"))
            var members: Set<UInt8> = []
            var isLarge = isNegated
            var isFirst = true
            while let byte = next {
                index += 1
                if byte == UInt8(ascii: "]"), !isFirst {
                    guard !isLarge, members.count <= 8 else { return .anything }
                    return Node(exact: members.sorted().map { [$0] })
                }
                isFirst = false
                switch byte {
                case UInt8(ascii: "["):
                    // `[:alpha:]` and kin
                    guard next != UInt8(ascii: ":"), next != UInt8(ascii: "."), next != UInt8(ascii: "=")
                    else {
                        return nil
                    }
                    members.insert(byte)
                case UInt8(ascii: "\\"):
                    guard let escaped = next else { return nil }
                    index += 1
                    let isLetter =
                        (escaped | 0x20) >= UInt8(ascii: "a") && (escaped | 0x20) <= UInt8(ascii: "z")
                    if isLetter || (escaped >= 48 && escaped <= 57) {
                        guard [UInt8](("dDwWsS").utf8).contains(escaped) else { return nil }
                        isLarge = true
                    } else {
                        members.insert(escaped)
                    }
                case UInt8(ascii: "-"):
                    // A range, unless first or last; too rare among short classes to be worth more.
                    isLarge = true
                default: members.insert(byte.lowerCased)
                }
            }
            return nil
        }

        private mutating func quantified(_ atom: Node) -> Node? {
            guard let byte = next else { return atom }
            var minimum = 1
            var maximum = 1
            switch byte {
            case UInt8(ascii: "?"): (minimum, maximum) = (0, 1)
            case UInt8(ascii: "*"): (minimum, maximum) = (0, .max)
            case UInt8(ascii: "+"): (minimum, maximum) = (1, .max)
            case UInt8(ascii: "{"):
                guard let bounds = braces() else { return nil }
                (minimum, maximum) = bounds
            default: return atom
            }
            index += 1
            // Lazy or possessive.
            if !take(UInt8(ascii: "?")) { _ = take(UInt8(ascii: "+")) }
            // A second quantifier is an error or means something else.
            if let next, [UInt8]("?*+{".utf8).contains(next) { return nil }
            if minimum == 1, maximum == 1 { return atom }
            if minimum == 0, maximum == 1, let exact = atom.exact { return Node(exact: exact + [[]]) }
            guard minimum > 0 else { return .anything }
            var required = atom.required
            if let exact = atom.exact { required.append(exact) }
            return Node(exact: nil, required: required)
        }

        /// Bounds written `{n}`, `{n,}` or `{n,m}`; leaves `index` on the closing brace.
        ///
        /// Anything else is not understood.
        private mutating func braces() -> (Int, Int)? {
            index += 1
            guard let minimum = number() else { return nil }
            var maximum = minimum
            if take(UInt8(ascii: ",")) { maximum = number() ?? .max }
            guard next == UInt8(ascii: "}"), maximum >= minimum else { return nil }
            return (minimum, maximum)
        }

        private mutating func number() -> Int? {
            var value: Int?
            while let byte = next, byte >= 48, byte <= 57 {
                value = (value ?? 0) * 10 + Int(byte - 48)
                guard let value, value < 100_000 else { return nil }
                index += 1
            }
            return value
        }
    }
}

extension UInt8 {
    /// This byte, or its small letter for `A` to `Z`.
    @inline(__always)
    var lowerCased: UInt8 { self >= 65 && self <= 90 ? self | 0x20 : self }
}
