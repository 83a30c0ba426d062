/// Tells which rules can match an agent at all, from the literals it contains.
///
/// One pass over the agent replaces a thousand searches. A rule has up to three sets of literals and is a candidate
/// when of each set one literal was met; rules without sets always are.
struct UserAgentPrefilter: Sendable {
    /// Nil when the literals are too many for an automaton; then every rule is a candidate.
    private let automaton: LiteralAutomaton?
    /// The sets that each rule needs, `setsPerRule` numbers a rule; set 0 is always met.
    private let needs: [UInt16]
    /// Different sets, set 0 included: many rules share the same ones.
    private let setCount: Int
    private let ruleCount: Int

    private static let setsPerRule = RequiredLiterals.maxSets

    init(_ rules: [RequiredLiterals]) {
        var numbers: [[[UInt8]]: UInt16] = [:]
        var literals: [(literal: [UInt8], tag: UInt16)] = []
        var needs: [UInt16] = []
        for required in rules {
            for index in 0..<Self.setsPerRule {
                guard index < required.sets.count, numbers.count < Int(UInt16.max) - 1 else {
                    needs.append(0)
                    continue
                }
                let set = required.sets[index]
                if let known = numbers[set] {
                    needs.append(known)
                    continue
                }
                let number = UInt16(numbers.count + 1)
                numbers[set] = number
                needs.append(number)
                for literal in set { literals.append((literal, number)) }
            }
        }
        automaton = LiteralAutomaton(literals)
        self.needs = needs
        setCount = numbers.count + 1
        ruleCount = rules.count
    }

    /// One thread's room for the answer.
    struct Candidates {
        /// Per set, 1 when one of its literals was met.
        fileprivate var met: [UInt8]
        /// One bit per rule.
        fileprivate var bits: [UInt64]

        init(for prefilter: UserAgentPrefilter) {
            met = [UInt8](repeating: 0, count: prefilter.setCount)
            bits = [UInt64](repeating: .max, count: (prefilter.ruleCount + 63) / 64)
        }

        /// The first candidate in `range`.
        func first(in range: Range<Int>) -> Int? {
            var rule = range.lowerBound
            while rule < range.upperBound {
                let rest = bits[rule >> 6] >> UInt64(rule & 63)
                if rest != 0 {
                    rule += rest.trailingZeroBitCount
                    return rule < range.upperBound ? rule : nil
                }
                rule = (rule | 63) + 1
            }
            return nil
        }
    }

    /// Marks in `candidates` the rules that can match `bytes[range]`.
    func find(in bytes: RawSpan, _ range: Range<Int>, _ candidates: inout Candidates) {
        guard let automaton else { return }
        // Taken out and put back, so that both arrays can be changed at once.
        var met: [UInt8] = []
        swap(&met, &candidates.met)
        for set in met.indices { met[set] = set == 0 ? 1 : 0 }
        automaton.scan(bytes, range) { set in met[Int(set)] = 1 }
        let needs = needs.span
        var rule = 0
        for word in candidates.bits.indices {
            var bits: UInt64 = 0
            for bit in 0..<min(64, ruleCount - word * 64) {
                let first = rule * Self.setsPerRule
                let isMet = met[Int(needs[first])] & met[Int(needs[first + 1])] & met[Int(needs[first + 2])]
                bits |= UInt64(isMet) << UInt64(bit)
                rule += 1
            }
            candidates.bits[word] = bits
        }
        swap(&met, &candidates.met)
    }
}
