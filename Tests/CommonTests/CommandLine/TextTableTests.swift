import Common
import Testing

@Suite("Text table")
struct TextTableTests {
    @Test("aligns columns and ends lines with their last letter")
    func aligns() {
        var table = TextTable([("FILE", .left), ("SIZE", .right), ("STATE", .left)])
        #expect(table.isEmpty)
        table.add(["/a.log", "12345", "live"])
        table.add(["/ä", "1", "gone"])
        #expect(
            table.text == """
                FILE     SIZE  STATE
                /a.log  12345  live
                /ä          1  gone

                """
        )
    }

    @Test(
        "shows no control characters",
        arguments: [
            ("/tmp/\u{1B}[2J", "/tmp/?[2J"), ("a\nb\tc\u{7F}", "a?b?c?"), ("\u{9B}31m", "?31m"),
            ("漢 😀", "漢 😀"),
        ]
    )
    func printable(text: String, expected: String) {
        #expect(TextTable.printable(text) == expected)
        var table = TextTable([("X", .left)])
        table.add([text])
        #expect(table.text == "X\n\(expected)\n")
    }
}
