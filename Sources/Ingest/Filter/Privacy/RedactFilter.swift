import Common

/// Puts a word in place of secrets in texts.
///
///     - redact:
///         fields: [message, url.original]        default: all that have what clients sent
///         patterns: [email, credit_card]         also ip, bearer_token, jwt
///         parameters: [token, password]          values of query parameters
///         custom: ['session=(\w+)']              the first group, or all that the pattern matches
///         replacement: REDACTED
struct RedactPlan: FilterPlan {
    private static let defaultFields = [
        "message", "event.original", "url.original", "url.query", "http.request.referrer",
    ]

    fileprivate let fields: [(path: FieldPath, form: QueryParameters.Form)]
    fileprivate let patterns: [RedactionPattern]
    fileprivate let parameters: QueryParameters
    fileprivate let custom: [RegularExpression]
    fileprivate let replacement: [UInt8]

    init(_ reader: ConfigurationReader) {
        let named = reader.paths("fields")
        let fields = named.isEmpty ? Self.defaultFields.compactMap { FieldPath($0) } : named
        self.fields = fields.map { ($0, Self.form($0)) }
        patterns = reader.strings("patterns").compactMap { name in
            if let pattern = RedactionPattern(rawValue: name) { return pattern }
            let known = RedactionPattern.allCases.map(\.rawValue)
            let hint = Nearest.hint(for: name, among: known)
            reader.problem(
                "patterns",
                "there is no pattern \"\(name)\"\(hint); there are \(known.joined(separator: ", ")); own ones go to custom"
            )
            return nil
        }
        parameters = QueryParameters(reader.strings("parameters"))
        custom = reader.strings("custom").compactMap { text in
            do throws(RegularExpressionError) {
                return try RegularExpression(text)
            } catch {
                reader.problem("custom", "\"\(text)\" does not compile: \(error)")
                return nil
            }
        }
        replacement = Array(reader.string("replacement", default: "REDACTED").utf8)
        if !reader.has("patterns"), parameters.isEmpty, !reader.has("custom") {
            reader.problem("patterns", "is missing; say what to redact: patterns, parameters or custom")
        }
    }

    func filter(_ workplace: FilterWorkplace) -> any Filter { RedactFilter(plan: self) }

    private static func form(_ path: FieldPath) -> QueryParameters.Form {
        switch path.text {
        case "url.query": .decodedQuery
        case "url.original", "url.full", "http.request.referrer": .url
        default: .text
        }
    }
}

private final class RedactFilter: Filter {
    /// What own patterns see at once, cut at line ends: they may take time that grows with the square of the length.
    private static let pieceBytes = 64 << 10

    private let plan: RedactPlan
    private let match: RegularExpressionMatch
    private let editor = TextEditor()
    private var text = ByteBuffer()
    private var changed = ByteBuffer()

    init(plan: RedactPlan) {
        self.plan = plan
        match = RegularExpressionMatch(captures: plan.custom.map(\.captureCount).max() ?? 0)
    }

    func apply(to record: Record) throws(FilterFailure) -> FilterOutcome {
        var failure: FilterFailure?
        for (path, form) in plan.fields {
            try editor.edit(path, of: record) { original, output throws(FilterFailure) in
                text.removeAll()
                text.append(original)
                var isChanged = false
                if !plan.parameters.isEmpty {
                    isChanged = replace { plan.parameters.next(in: $0, from: $1, form) }
                }
                for pattern in plan.patterns where replace({ pattern.next(in: $0, from: $1) }) {
                    isChanged = true
                }
                for pattern in plan.custom {
                    guard let isFound = replace(pattern) else {
                        // Better nothing than a secret.
                        failure = FilterFailure(
                            .regex,
                            "\(path.text): a pattern takes too long; all was redacted"
                        )
                        output.append(plan.replacement)
                        return true
                    }
                    if isFound { isChanged = true }
                }
                if isChanged { output.append(text) }
                return isChanged
            }
        }
        if let failure { throw failure }
        return .next
    }

    /// Replaces in `text` all that `next` finds.
    private func replace(_ next: (RawSpan, Int) -> Range<Int>?) -> Bool {
        changed.removeAll()
        var copied = 0
        text.withSpan { text in
            while let range = next(text, copied) {
                changed.append(text, copied..<range.lowerBound)
                changed.append(plan.replacement)
                copied = range.upperBound
            }
            if copied > 0 { changed.append(text, copied..<text.byteCount) }
        }
        if copied > 0 { swap(&text, &changed) }
        return copied > 0
    }

    /// - Returns: whether something was found; nil when the search was given up.
    private func replace(_ pattern: RegularExpression) -> Bool? {
        changed.removeAll()
        let isFound = text.withSpan { text in
            var (start, isFound) = (0, false)
            repeat {
                let end = endOfPiece(text, start)
                guard let isHit = replace(pattern, in: text.extracting(start..<end)) else {
                    return Bool?.none
                }
                if isHit { isFound = true }
                start = end
            } while start < text.byteCount
            return isFound
        }
        if isFound == true { swap(&text, &changed) }
        return isFound
    }

    private func endOfPiece(_ text: RawSpan, _ start: Int) -> Int {
        guard text.byteCount - start > Self.pieceBytes else { return text.byteCount }
        var end = start + Self.pieceBytes
        while end > start, text[end - 1] != UInt8(ascii: "\n") { end -= 1 }
        return end > start ? end : start + Self.pieceBytes
    }

    private func replace(_ pattern: RegularExpression, in piece: RawSpan) -> Bool? {
        let before = changed.count
        let isFound: Bool?
        do throws(FilterFailure) {
            isFound = try piece.replaceMatches(of: pattern, into: &changed, using: match) {
                match,
                output throws(FilterFailure) in
                guard let whole = match[0] else { return }
                let secret = match[1] ?? whole
                output.append(piece, whole.lowerBound..<max(secret.lowerBound, whole.lowerBound))
                output.append(plan.replacement)
                output.append(piece, min(secret.upperBound, whole.upperBound)..<whole.upperBound)
            }
        } catch {
            return nil
        }
        if isFound == false {
            changed.truncate(to: before)
            changed.append(piece)
        }
        return isFound
    }
}
