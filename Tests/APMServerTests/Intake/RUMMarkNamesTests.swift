import Common
import Testing

@testable import APMServer

@Suite("Names of RUM marks")
struct RUMMarkNamesTests {
    @Test(
        "are long in documents",
        arguments: [
            ("a", "agent", nil), ("nt", "navigationTiming", nil), ("lp", nil, "largestContentfulPaint"),
            ("fb", nil, "timeToFirstByte"), ("ds", nil, "domContentLoadedEventStart"),
            ("de", nil, "domContentLoadedEventEnd"), ("ls", nil, "domainLookupStart"),
            ("qs", nil, "requestStart"),
            ("other", nil, nil), ("", nil, nil),
        ] as [(String, String?, String?)]
    )
    func names(key: String, group: String?, mark: String?) {
        let line = Array("\"\(key)\"".utf8)
        let value = FieldValue(.string, 1..<line.count - 1)
        #expect(RUMMarkNames.group(value, line.span.bytes)?.description == group)
        #expect(RUMMarkNames.mark(value, line.span.bytes)?.description == mark)
    }
}
