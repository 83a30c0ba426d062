import Testing

@testable import Common

@Suite("Monitoring page")
struct MonitoringPageTests {
    private let page = MonitoringPage([
        .tiles(
            "Now",
            [
                .init("Events", "a_total", labels: [("type", "x\"")], .rate),
                .init("Memory", "b", unit: .bytes),
                .init("Latency", "e_sum", unit: .milliseconds, per: "e_total"),
            ]
        ),
        .table("By reason", rows: "reason", [.init("total", "c_total")], samples: "rejects"),
        .facts("Rare", [.init("Connected", "shipping#connected", unit: .flag)]),
        .grid("Groups", "d", rows: "kind", columns: "interval"),
    ])

    private func get(_ path: String, _ page: MonitoringPage?) -> HTTPResponse {
        let health = Health(reasons: ["store \"a\" is down"])
        let monitoring = Monitoring(
            service: "test",
            metrics: Metrics(),
            details: [("rejects", { Array("[]".utf8) })],
            page: page,
            health: { health }
        )
        return monitoring.router.respond(to: HTTPRequest(method: "GET", path: path))
    }

    private func text(_ response: HTTPResponse) -> String { String(decoding: response.body, as: UTF8.self) }

    @Test("describes what is shown")
    func description() {
        let response = get("/page.json", page)
        #expect(
            text(response)
                == #"{"sections":[{"title":"Now","kind":"tiles","figures":["#
                + #"{"label":"Events","metric":"a_total","labels":{"type":"x\""},"reading":"rate","unit":"count"},"#
                + #"{"label":"Memory","metric":"b","labels":{},"reading":"value","unit":"bytes"},"#
                + #"{"label":"Latency","metric":"e_sum","labels":{},"reading":"value","unit":"milliseconds","per":"e_total"}]},"#
                + #"{"title":"By reason","kind":"table","rows":"reason","samples":"rejects","wide":true,"figures":["#
                + #"{"label":"total","metric":"c_total","labels":{},"reading":"value","unit":"count"}]},"#
                + #"{"title":"Rare","kind":"facts","figures":["#
                + #"{"label":"Connected","metric":"shipping#connected","labels":{},"reading":"value","unit":"flag"}]},"#
                + #"{"title":"Groups","kind":"grid","metric":"d","rows":"kind","columns":"interval"}]}"#
                + "\n"
        )
    }

    @Test("is one file that loads nothing and talks to nobody else")
    func selfContained() throws {
        let response = get("/", page)
        func header(_ name: String) -> String? { response.headers.first { $0.name == name }?.value }
        #expect(header("Content-Type") == "text/html; charset=utf-8")
        #expect(
            header("Content-Security-Policy")?.hasPrefix(
                "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; "
            ) == true
        )
        #expect(header("X-Content-Type-Options") == "nosniff" && header("Cache-Control") == "no-store")
        let html = text(response)
        #expect(html.hasPrefix("<!doctype html>") && html.hasSuffix("</html>\n"))
        // The only address in it names the elements of SVG, and is not fetched.
        let addresses = html.matches(of: try Regex("https?://[^\"' ]*")).map { String(html[$0.range]) }
        #expect(addresses == ["http://www.w3.org/2000/svg"])
        for word in ["innerHTML", "insertAdjacentHTML", "document.write", "eval(", "src=", "@import", "url("]
        {
            #expect(!html.contains(word), "\(word)")
        }
    }

    @Test("finds health and details in the numbers, and is not there unless asked for")
    func stats() {
        let stats = text(get("/stats", page))
        #expect(
            stats.contains(
                #""health":{"status":"unavailable","reasons":["store \"a\" is down"]},"metrics":{"#
            )
        )
        #expect(stats.hasSuffix(#","rejects":[]}"# + "\n"))
        #expect(get("/", nil).status == 404 && get("/page.json", nil).status == 404)
    }
}
