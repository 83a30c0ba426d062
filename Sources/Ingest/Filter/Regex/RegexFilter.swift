import Common

/// Cuts a text into fields by regular expressions, each named group a field.
///
///     - regex:
///         field: message
///         pattern: '^(?<http.request.method>[A-Z]+) (?<url.path>\S+) took (?<took:float>[\d.]+)'
struct RegexPlan: FilterPlan {
    private let matching: PatternMatching

    init(_ reader: ConfigurationReader) {
        var matching = PatternMatching(reader, failure: .regex, timeoutFailure: .regexTimeout)
        let ignoresCase = reader.bool("ignore_case", default: false)
        let key = reader.has("patterns") ? "patterns" : "pattern"
        let texts = reader.strings("patterns") + reader.strings("pattern")
        if texts.isEmpty {
            reader.problem("pattern", "is missing; write pattern: '(?<verb>\\w+) (?<rest>.*)'")
        }
        for text in texts {
            let pattern = ignoresCase ? "(?i:\(text))" : text
            do throws(PatternError) {
                matching.patterns.append(
                    try CapturePattern(pattern, source: pattern, overwrite: matching.overwrite)
                )
            } catch {
                reader.problem(key, "\"\(text)\": \(error)")
            }
        }
        self.matching = matching
    }

    func filter(_ workplace: FilterWorkplace) -> any Filter { PatternFilter(matching) }
}
