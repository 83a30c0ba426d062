import Testing

@testable import Common

@Suite("Required literals")
struct RequiredLiteralsTests {
    @Test(
        "finds what every match contains",
        arguments: [
            ("Chrome", [["chrome"]]),
            ("(Foo)(?:Bar|Baz)/(\\d+)", [["foobar/", "foobaz/"]]),
            ("[Bb]ot\\.x", [["bot.x"]]),
            ("Zulu.{0,9}Yankee", [["yankee"], ["zulu"]]),
            ("(?:abc|defgh)+ tail", [[" tail"], ["abc", "defgh"]]),
            ("x{2}longer", [["longer"], ["x"]]),
            ("abc?de", [["abcde", "abde"]]),
            ("(?:abc)?defg", [["abcdefg", "defg"]]),
            ("^quux$", [["quux"]]),
        ]
    )
    func finds(_ pattern: String, sets: [[String]]) {
        let found = RequiredLiterals(pattern).sets.map { $0.map { String(decoding: $0, as: UTF8.self) } }
        #expect(found == sets)
    }

    @Test(
        "promises nothing when unsure",
        arguments: [
            "", ".*", "a?", "a*", "(?:abc|)", "(?:abc|.)", "\\d+", "[a-z]+", "(?=abc)", "(?i)abc", "(a)\\1",
            "\\x41bc",
            "(?<n>abc)", "abc{,3}", "(?!abc)d", "(*COMMIT)abc", "[[:alpha:]]", "a{2,3}{2}", "\\Qabc\\E",
            "(abc", "abc)",
            "[abc", "abc\\",
        ]
    )
    func promisesNothing(_ pattern: String) {
        #expect(RequiredLiterals(pattern).sets.isEmpty)
    }

    @Test("every literal is met by the automaton, wherever it stands")
    func automatonFinds() throws {
        let literals = ["a", "ab", "bab", "bc", "bca", "c", "caa", "é"]
        let automaton = try #require(
            LiteralAutomaton(literals.enumerated().map { (Array($1.utf8), UInt16($0)) })
        )
        for text in ["abccab", "BABCAA", "", "xyz", "caa", "ébab", "bcabca"] {
            let bytes = Array(text.utf8)
            var found: Set<UInt16> = []
            automaton.scan(bytes.span.bytes, 0..<bytes.count) { found.insert($0) }
            let expected = literals.indices.filter { text.lowercased().contains(literals[$0]) }.map(
                UInt16.init
            )
            #expect(found.sorted() == expected)
        }
    }
}
