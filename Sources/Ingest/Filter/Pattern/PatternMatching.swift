import Common

/// What `grok` and `regex` are told, and have in common.
struct PatternMatching: Sendable {
    var field: FieldPath
    var patterns: [CapturePattern] = []
    /// Whether the first pattern that matches is the last one tried.
    var breaksOnMatch = true
    var keepsEmptyCaptures = false
    /// Fields whose value is replaced.
    var overwrite: [FieldPath]
    /// Time for all patterns on one text.
    var timeout: Duration
    /// Backtracking steps of one search.
    var backtrackLimit: Int
    /// Tags of texts that no pattern matches, and of searches that were given up.
    var failure: FilterFailure.Tag
    var timeoutFailure: FilterFailure.Tag

    /// Reads the options that both have.
    init(_ reader: ConfigurationReader, failure: FilterFailure.Tag, timeoutFailure: FilterFailure.Tag) {
        field = reader.path("field", default: "message")
        breaksOnMatch = reader.bool("break_on_match", default: true)
        keepsEmptyCaptures = reader.bool("keep_empty_captures", default: false)
        overwrite = reader.paths("overwrite")
        timeout = reader.duration(
            "timeout",
            default: .milliseconds(100),
            in: .milliseconds(1)...(.seconds(30))
        )
        backtrackLimit = reader.int(
            "backtrack_limit",
            default: RegularExpressionMatch.backtrackLimit,
            in: 1000...100_000_000
        )
        self.failure = failure
        self.timeoutFailure = timeoutFailure
    }

    var captureCount: Int { patterns.map(\.expression.captureCount).max() ?? 0 }
}
