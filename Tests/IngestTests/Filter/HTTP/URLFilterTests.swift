import Testing

@testable import Ingest

@Suite("Filter url")
struct URLFilterTests {
    @Test(
        "takes URLs apart",
        arguments: [
            FilterRow(
                "- url: {field: u}",
                #"{"u":"https://user:pw@shop.example:8443/a%20b/c.tar.gz?q=%C3%BC+x&y#top"}"#,
                #"{"u":"https://user:pw@shop.example:8443/a%20b/c.tar.gz?q=%C3%BC+x&y#top","url":{"original":"https://user:pw@shop.example:8443/a%20b/c.tar.gz?q=%C3%BC+x&y#top","scheme":"https","domain":"shop.example","port":8443,"fragment":"top","query":"q=ü+x&y","path":"/a b/c.tar.gz","extension":"gz"}}"#
            ),
            FilterRow(
                "- url: {field: u, target: a.b, keep_original: false}",
                #"{"u":"/v1.0/users"}"#,
                #"{"u":"/v1.0/users","a":{"b":{"path":"/v1.0/users"}}}"#
            ),
            FilterRow(
                "- url: {}",
                #"{"url":{"original":"//favicon.ico|^%zz"}}"#,
                #"{"url":{"original":"//favicon.ico|^%zz","path":"//favicon.ico|^%zz","extension":"ico|^%zz"}}"#
            ),
            FilterRow(
                "- url: {parameters: [q, \"utm source\", none]}",
                #"{"url":{"original":"/?q=a+b%26&utm%20source=x&q=2&q&other=1&=3"}}"#,
                #"{"url":{"original":"/?q=a+b%26&utm%20source=x&q=2&q&other=1&=3","query":"q=a+b&&utm source=x&q=2&q&other=1&=3","path":"/","params":{"q":["a b&","2",""],"utm source":"x"}}}"#
            ),
            FilterRow("- url: {field: u}", #"{"u":""}"#, #"{"u":""}"#),
            FilterRow("- url: {field: u}", #"{"u":5}"#, #"{"u":5}"#),
            FilterRow("- url: {field: u}", #"{}"#, #"{}"#),
        ]
    )
    func takesApart(_ row: FilterRow) throws { try row.check() }

    @Test("keeps few and short values of a parameter")
    func bounds() throws {
        let harness = try FilterHarness(
            "- url: {field: u, parameters: q, keep_original: false}\n- remove: {fields: [u, url.query, url.path]}"
        )
        let many = try harness.run(#"{"u":"/?\#(String(repeating: "q=x&", count: 1000))"}"#)
        #expect(
            many == [
                #"{"url":{"params":{"q":[\#(Array(repeating: "\"x\"", count: 16).joined(separator: ","))]}}}"#
            ]
        )
        let long = try harness.run(#"{"u":"/?q=x\#(String(repeating: "ü", count: 1000))"}"#)
        #expect(long == [#"{"url":{"params":{"q":"x\#(String(repeating: "ü", count: 511))"}}}"#])
    }
}
