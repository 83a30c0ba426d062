import Common
import Testing

@testable import Ingest

@Suite("Index name")
struct IndexNameTests {
    private static let noon = CalendarTime(year: 2026, month: 11, day: 22, hour: 12)

    private func name(_ name: borrowing IndexName) -> String { name.withName { $0.text(0..<$0.byteCount) } }

    private func daily(_ text: String, cap: Int = 100) throws -> IndexName {
        let target = IndexTarget.daily(try IndexPattern(text), maxIndices: cap)
        return IndexName(target, cap: IndexCap(limit: cap))
    }

    @Test(
        "is made of text, fields and the day",
        arguments: [
            ("nginx", [], "nginx-2026.11.22"),
            ("logs-%{a}", ["nginx.access"], "logs-nginx.access-2026.11.22"),
            ("logs-%{a}-%{b.c}", ["x", "y"], "logs-x-y-2026.11.22"),
            ("a%{a}z", ["Mixed_Case-1"], "amixed_case-1z-2026.11.22"),
            ("logs-%{a}", [""], "logs-unknown-2026.11.22"),
            ("logs-%{a}", [#"a/b\c*d?e"f<g>h|i j,k#l:m"#], "logs-a_b_c_d_e_f_g_h_i_j_k_l_m-2026.11.22"),
            ("logs-%{a}", ["größe ☃"], "logs-gr__e__-2026.11.22"),
            ("logs-%{a}", [".."], "logs-..-2026.11.22"),
            (
                "logs-%{a}", [String(repeating: "x", count: 500)],
                "logs-" + String(repeating: "x", count: 100) + "-2026.11.22"
            ),
        ] as [(String, [String], String)]
    )
    func composes(_ pattern: String, values: [String], expected: String) throws {
        var index = try daily(pattern)
        for _ in 0..<2 {
            let isAdmitted = index.select(Self.noon) { field, text in text.append(values[field]) }
            #expect(isAdmitted)
            #expect(name(index) == expected)
        }
        #expect(DailyIndex.problem(withPrefix: expected) == nil)
    }

    @Test("never passes Elasticsearch's 255 bytes")
    func length() throws {
        let text = "logs" + (0..<4).map { "-%{f\($0)}" }.joined()
        var index = try daily(text)
        let isAdmitted = index.select(Self.noon) { _, text in
            text.append(String(repeating: "y", count: 90))
        }
        #expect(isAdmitted)
        #expect(name(index).utf8.count == 255 && name(index).hasSuffix("-2026.11.22"))
    }

    @Test(
        "beyond the cap is the base index of that day, for all workers alike, and each day counts for itself"
    )
    func cap() throws {
        let target = IndexTarget.daily(try IndexPattern("app.%{service}"), maxIndices: 2)
        let shared = IndexCap(limit: 2)
        var one = IndexName(target, cap: shared)
        var two = IndexName(target, cap: shared)
        let tomorrow = CalendarTime(nanoseconds: Self.noon.nanoseconds + 86_400_000_000_000)
        let steps: [(isOne: Bool, CalendarTime, value: String, expected: String)] = [
            (true, Self.noon, "a", "app.a-2026.11.22"), (false, Self.noon, "b", "app.b-2026.11.22"),
            (true, Self.noon, "c", "app-2026.11.22"), (false, Self.noon, "a", "app.a-2026.11.22"),
            (true, tomorrow, "c", "app.c-2026.11.23"), (true, Self.noon, "b", "app.b-2026.11.22"),
            (false, Self.noon, "d", "app-2026.11.22"), (false, tomorrow, "d", "app.d-2026.11.23"),
            (false, tomorrow, "e", "app-2026.11.23"),
        ]
        for (isOne, time, value, expected) in steps {
            let isAdmitted =
                isOne
                ? one.select(time) { _, text in text.append(value) }
                : two.select(time) { _, text in text.append(value) }
            #expect((isOne ? name(one) : name(two)) == expected)
            #expect(isAdmitted == !expected.hasPrefix("app-"))
        }
    }

    @Test("of a data stream is always the same")
    func stream() {
        var index = IndexName(.dataStream("logs-nginx.access-default"), cap: IndexCap(limit: 1))
        index.select(Self.noon)
        #expect(!index.hasFields && name(index) == "logs-nginx.access-default")
    }

    @Test(
        "has a template that covers it",
        arguments: [
            ("nginx", "nginx", ["nginx-*"]), ("logs-%{a}", "logs", ["logs-*"]),
            ("app.%{a}", "app", ["app-*", "app.*"]), ("log%{a}", "log", ["log-*", "log*"]),
        ] as [(String, String, [String])]
    )
    func template(_ text: String, base: String, patterns: [String]) throws {
        let target = IndexTarget.daily(try IndexPattern(text), maxIndices: 1)
        #expect(target.templateName == base && target.templatePatterns == patterns)
    }

    @Test(
        "is refused with a reason",
        arguments: [
            ("", "empty"), ("%{a}", "begin with text"), ("a-%{b", "%{ without }"),
            ("a-%{}", "names no field"),
            ("a-%{b..c}", "names no field"), ("a-%{+yyyy.MM.dd}", "the day is added"),
            ("-a%{b}", "begins with"), ("a%{b}C", "capital letter C"),
            ("a b", "no index name may have"),
        ] as [(String, String)]
    )
    func refuses(_ text: String, reason: String) {
        let error = #expect(throws: IndexPattern.Problem.self) { _ = try IndexPattern(text) }
        #expect(error?.description.contains(reason) == true, "\(error?.description ?? "")")
    }

    @Test(
        "takes fields wherever an event has them",
        arguments: [
            ("event.dataset", "nginx.access"), ("[event][dataset]", "nginx.access"),
            ("http.response.status_code", "200"), ("url.path", "/a"),
            ("fields.team.id", "7"), ("fields.flag", "true"), ("fields.none", "unknown"),
            ("fields.list", "unknown"), ("fields.escaped", "a_b"), ("labels.x", "y"),
            ("nothing.at.all", "unknown"),
            ("@timestamp", "2026-11-22t10_00_00.000z"), ("host.name", "web-1"), ("host", "unknown"),
        ] as [(String, String)]
    )
    func fields(_ field: String, expected: String) throws {
        let harness = try PipelineHarness { $0.index = "logs-%{\(field)}" }
        let line =
            #"192.0.2.1 - - [22/Nov/2026:10:00:00 +0000] \"GET /a HTTP/1.1\" 200 5 \"-\" \"curl/8\""#
        let payload =
            #"{"@timestamp":"2026-11-22T10:30:00.000Z","message":"\#(line)","host":{"name":"web-1"},"#
            + #""fields":{"team":{"id":7},"flag":true,"none":null,"list":["a"],"escaped":"a\nb"},"labels":{"x":"y"}}"#
        let document = try harness.process(Array(payload.utf8))
        #expect(document.index == "logs-" + expected.replacing("/", with: "_") + "-2026.11.22")
        #expect(document.tags.isEmpty)
    }
}
