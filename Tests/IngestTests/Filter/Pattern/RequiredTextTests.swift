import Testing

@testable import Ingest

@Suite("Required text")
struct RequiredTextTests {
    @Test(
        "is what every match has",
        arguments: [
            ("%{IP:a} failed login for %{USER:b}", " failed login for "),
            ("%{IP:a} %{WORD:b}", ""),
            ("abc|def", ""),
            ("abc(?:d|e)fgh?", "abc"),
            ("ab(?:c)defg", "defg"),
            ("(?i)abcdef", ""),
            ("(?:(?i)x)abcdef", ""),
            ("abcd*", "abc"),
            ("ab{2}cdef", "cdef"),
            ("abcd+efg", "abc"),
            ("abc\\[def\\]", "abc[def]"),
            ("abc\\d+defg", "defg"),
            ("abc\\x41defg", ""),
            ("[xyz]abcd", "abcd"),
            ("[]x]abcd", "abcd"),
            ("[^]x]abcd[[:alpha:]]", "abcd"),
            ("grüße", ""),
            ("^abc$", "abc"),
            ("(?<x>abc", ""),
            ("%{ID=[a]{3}}abcd", ""),
            ("%{OPEN", ""),
            ("", ""),
        ]
    )
    func isRequired(_ pattern: String, expected: String) {
        #expect(String(decoding: RequiredText(pattern).bytes, as: UTF8.self) == expected)
    }
}
