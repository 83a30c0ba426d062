import Common

/// Cuts a line into fields by patterns that have names.
///
///     - grok:
///         field: message
///         patterns:                        the first that matches wins
///           - '%{IPORHOST:client.ip} %{WORD:http.request.method} %{NOTSPACE:url.path} %{NUMBER:took:float}'
///           - '(?<level>[A-Z]+): %{GREEDYDATA:[error][message]}'
///         pattern_definitions: {ORDER: 'o-\d+'}
///         patterns_dir: [/etc/ingest/patterns]
struct GrokPlan: FilterPlan {
    private let matching: PatternMatching

    init(_ reader: ConfigurationReader) {
        reader.advise("match", "write field: message and patterns: ['…']")
        reader.advise("timeout_millis", "write timeout: 100ms")
        reader.advise(
            "tag_on_timeout",
            "the tag is _groktimeout; write tag_on_failure beside grok for others"
        )
        var matching = PatternMatching(reader, failure: .grok, timeoutFailure: .grokTimeout)
        let isECS = reader.bool("ecs_compatibility", default: true)
        let namedOnly = reader.bool("named_captures_only", default: true)
        var patterns = GrokPatterns(isECS: isECS)
        patterns.readFiles(reader)
        patterns.readDefinitions(reader, "pattern_definitions")
        let texts = reader.strings("patterns")
        if texts.isEmpty {
            reader.problem("patterns", "is missing; write patterns: ['%{WORD:verb} %{GREEDYDATA:rest}']")
        }
        for text in texts {
            do throws(PatternError) {
                let expanded = try patterns.expanded(text, namesAll: !namedOnly)
                matching.patterns.append(
                    try CapturePattern(expanded, source: text, overwrite: matching.overwrite)
                )
            } catch {
                reader.problem("patterns", "\"\(text)\": \(error)")
            }
        }
        self.matching = matching
    }

    func filter(_ workplace: FilterWorkplace) -> any Filter { PatternFilter(matching) }
}
