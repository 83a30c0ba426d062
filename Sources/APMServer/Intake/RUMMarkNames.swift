import Common

/// The long names of a RUM v3 transaction's marks, whose groups and members come abbreviated.
///
/// Source: the RUM v3 intake specification of Elastic's APM agents.
enum RUMMarkNames {
    /// The group that `key` stands for; nil when it is no known abbreviation.
    static func group(_ key: FieldValue, _ line: RawSpan) -> StaticString? { name(key, in: groups, line) }

    /// The mark that `key` stands for; nil when it is no known abbreviation.
    static func mark(_ key: FieldValue, _ line: RawSpan) -> StaticString? { name(key, in: marks, line) }

    private static func name(
        _ key: FieldValue,
        in table: [(short: StaticString, long: StaticString)],
        _ line: RawSpan
    ) -> StaticString? {
        table.first { key.equals($0.short, line) }?.long
    }

    private static let groups: [(short: StaticString, long: StaticString)] = [
        ("a", "agent"), ("nt", "navigationTiming"),
    ]

    private static let marks: [(short: StaticString, long: StaticString)] = [
        ("ce", "connectEnd"), ("cs", "connectStart"),
        ("dc", "domComplete"), ("de", "domContentLoadedEventEnd"),
        ("di", "domInteractive"), ("dl", "domLoading"),
        ("ds", "domContentLoadedEventStart"), ("ee", "loadEventEnd"),
        ("es", "loadEventStart"), ("fb", "timeToFirstByte"),
        ("fp", "firstContentfulPaint"), ("fs", "fetchStart"),
        ("le", "domainLookupEnd"), ("lp", "largestContentfulPaint"),
        ("ls", "domainLookupStart"), ("qs", "requestStart"),
        ("re", "responseEnd"), ("rs", "responseStart"),
    ]
}
