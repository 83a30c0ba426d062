import Common
import Testing

@testable import Ingest

@Suite("Text with references")
struct FieldTextTests {
    private static let json =
        #"{"@timestamp":"2027-01-03T04:05:06.789Z","a":{"b":"x"},"n":5,"l":["p",1],"t":true,"z":null}"#

    private func text(_ template: String, _ json: String = json) throws -> (text: String, isComplete: Bool) {
        let record = Record()
        let bytes = Array(json.utf8)
        try record.load(bytes.span.bytes)
        var output = ByteBuffer()
        let isComplete = try FieldText(template).append(record, to: &output)
        return (output.text, isComplete)
    }

    @Test(
        "stands for fields and the event's time",
        arguments: [
            ("plain", "plain"), ("%{a.b}", "x"), ("-%{[a][b]}-%{n}%{t}-", "-x-5true-"), ("%{l}", #"["p",1]"#),
            ("%{a}", #"{"b":"x"}"#), ("%{l.0}", "p"), ("%{z}.", "."), ("50% {", "50% {"),
            ("i-%{+yyyy.MM.dd}", "i-2027.01.03"), ("%{+YYYY-DDD}", "2027-003"),
            ("%{+yy/HH:mm:ss.SSS}", "27/04:05:06.789"),
            // A Sunday: its week is the last one of the year before (ISO 8601).
            ("%{+xxxx.ww}", "2026.53"), ("%{{yyyy.MM}}!", "2027.01!"), ("%{+yyyy'T'HH''}", "2027T04'"),
        ]
    )
    func stands(_ template: String, expected: String) throws {
        let result = try text(template)
        #expect(result.text == expected && result.isComplete)
    }

    @Test(
        "weeks of ISO 8601",
        arguments: [
            ("2026-01-01", "2026.01"), ("2024-12-30", "2025.01"), ("2021-01-03", "2020.53"),
            ("1970-01-01", "1970.01"),
            ("1969-12-28", "1969.52"),
        ]
    )
    func weeks(_ day: String, expected: String) throws {
        #expect(try text("%{+xxxx.ww}", #"{"@timestamp":"\#(day)T00:00:00Z"}"#).text == expected)
    }

    @Test("leaves a reference to what is missing as it is written")
    func missing() throws {
        let result = try text("a %{nothing.here} b")
        #expect(result.text == "a %{nothing.here} b" && !result.isComplete)
        #expect(try text("%{+yyyy}", "{}").isComplete == false)
        #expect(try text("%{+yyyy}", #"{"@timestamp":"soon"}"#).isComplete == false)
    }

    @Test(
        "refuses what it cannot understand",
        arguments: ["%{", "%{a", "%{}", "%{a..b}", "%{+QQ}", "%{+yyyyy}", "%{+yyyy'T}", "%{{yyyy}", "%{+M}"]
    )
    func refuses(_ template: String) {
        #expect(throws: FieldTextError.self) { try FieldText(template) }
    }
}
