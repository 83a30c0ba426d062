import Common

/// Replaces everywhere in a text what a pattern matches.
///
///     - gsub:
///         field: url.path                    or a list of fields
///         pattern: '/users/(?<id>\d+)'
///         replacement: '/users/:\k<id>'      \0 is the match, \1 to \9 are groups
struct GsubPlan: FilterPlan {
    fileprivate let fields: [FieldPath]
    /// Nil after a complaint.
    fileprivate let pattern: RegularExpression?
    fileprivate let replacement: ReplacementText?

    init(_ reader: ConfigurationReader) {
        fields = reader.paths("field")
        if fields.isEmpty { reader.problem("field", "is missing; name a field, such as message") }
        let text = reader.required("pattern")
        let replaced = reader.string("replacement", default: "")
        var pattern: RegularExpression?
        var replacement: ReplacementText?
        do throws(RegularExpressionError) {
            let expression = try RegularExpression(text)
            pattern = expression
            do throws(ReplacementTextError) {
                replacement = try ReplacementText(replaced, for: expression)
            } catch {
                reader.problem("replacement", "\(error)")
            }
        } catch {
            reader.problem("pattern", "does not compile: \(error)")
        }
        self.pattern = pattern
        self.replacement = replacement
    }

    func filter(_ workplace: FilterWorkplace) throws -> any Filter {
        guard let pattern, let replacement else { fatalError("gsub was made from a refused configuration") }
        return GsubFilter(fields, pattern, replacement)
    }
}

private final class GsubFilter: Filter {
    /// Longer texts are left alone: patterns may take time that grows with the square of the length.
    private static let maxTextBytes = 64 << 10
    private static let maxOutputBytes = 1 << 20

    private let fields: [FieldPath]
    private let pattern: RegularExpression
    private let replacement: ReplacementText
    private let match: RegularExpressionMatch
    private let editor = TextEditor()

    init(_ fields: [FieldPath], _ pattern: RegularExpression, _ replacement: ReplacementText) {
        self.fields = fields
        self.pattern = pattern
        self.replacement = replacement
        match = RegularExpressionMatch(captures: pattern.captureCount)
    }

    func apply(to record: Record) throws(FilterFailure) -> FilterOutcome {
        for field in fields {
            try editor.edit(field, of: record) { text, output throws(FilterFailure) in
                guard text.byteCount <= Self.maxTextBytes else {
                    throw FilterFailure(
                        .regex,
                        "\(field.text) has \(text.byteCount) bytes; patterns are applied to \(Self.maxTextBytes) at most"
                    )
                }
                let isChanged = try text.replaceMatches(of: pattern, into: &output, using: match) {
                    match,
                    output throws(FilterFailure) in
                    replacement.append(match, of: text, to: &output)
                    guard output.count <= Self.maxOutputBytes else {
                        throw FilterFailure(
                            .regex,
                            "\(field.text) would become longer than \(Self.maxOutputBytes) bytes"
                        )
                    }
                }
                guard let isChanged else {
                    throw FilterFailure(.regex, "\(field.text): the pattern takes too long for this text")
                }
                return isChanged
            }
        }
        return .next
    }
}

extension RawSpan {
    /// Appends the text to `output` with something else in place of each match.
    ///
    /// - Parameter replace: appends what stands in place of a match.
    /// - Returns: whether there was a match; nil when the search was given up, `output` then being of no use.
    func replaceMatches(
        of pattern: RegularExpression,
        into output: inout ByteBuffer,
        using match: RegularExpressionMatch,
        _ replace: (RegularExpressionMatch, inout ByteBuffer) throws(FilterFailure) -> Void
    ) throws(FilterFailure) -> Bool? {
        let limitHits = match.limitHits
        var (start, copied, isChanged) = (0, 0, false)
        while start <= byteCount, pattern.firstMatch(in: self, 0..<byteCount, from: start, into: match),
            let whole = match[0], whole.lowerBound >= copied
        {
            output.append(self, copied..<whole.lowerBound)
            try replace(match, &output)
            isChanged = true
            copied = whole.upperBound
            start = whole.upperBound
            if whole.isEmpty {
                start += start < byteCount ? max(lengthOfUTF8Scalar(at: start, end: byteCount), 1) : 1
            }
        }
        guard match.limitHits == limitHits else { return nil }
        if isChanged { output.append(self, copied..<byteCount) }
        return isChanged
    }
}
