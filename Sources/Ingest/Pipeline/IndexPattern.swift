import Common

/// What a pipeline's `index` says: text, and fields of the event between `%{` and `}`.
///
///     nginx                        nginx-2026.11.22
///     web-%{event.dataset}         web-nginx.access-2026.11.22
///
/// It begins with text, so that one index template covers all names that can come of it.
struct IndexPattern: Hashable, Sendable {
    enum Part: Hashable, Sendable {
        case text(String)
        /// The number of a field in `fields`.
        case field(Int)
    }

    /// Why a text is no pattern: what is wrong, and what to do.
    struct Problem: Error, Equatable, CustomStringConvertible {
        let description: String
    }

    private(set) var parts: [Part] = []
    /// In the order of the text.
    private(set) var fields: [FieldPath] = []

    init(_ text: String) throws(Problem) {
        var rest = Substring(text)
        while !rest.isEmpty {
            guard let opening = rest.firstRange(of: "%{") else {
                parts.append(.text(String(rest)))
                break
            }
            if opening.lowerBound > rest.startIndex {
                parts.append(.text(String(rest[..<opening.lowerBound])))
            }
            rest = rest[opening.upperBound...]
            guard let closing = rest.firstIndex(of: "}") else {
                throw Problem(description: "has %{ without }; write %{event.dataset}")
            }
            let name = String(rest[..<closing])
            guard name.first != "+" else {
                throw Problem(description: "has %{\(name)}; leave it out, the day is added: nginx-2026.11.22")
            }
            guard let path = FieldPath(name) else {
                throw Problem(description: "%{\(name)} names no field; write %{event.dataset}")
            }
            parts.append(.field(fields.count))
            fields.append(path)
            rest = rest[rest.index(after: closing)...]
        }
        for case .text(let text) in parts {
            // What may not stand at the beginning may stand further on.
            let isFirst = parts.first == .text(text)
            if let problem = DailyIndex.problem(withPrefix: isFirst ? text : "a" + text) {
                throw Problem(description: problem)
            }
        }
        guard !parts.isEmpty else { throw Problem(description: "is empty; name the index, such as nginx") }
        guard case .text = parts[0] else {
            throw Problem(
                description:
                    "begins with a field; begin with text, such as web-%{event.dataset}, so that one index "
                    + "template covers all its indices"
            )
        }
    }

    /// The text in front of the first field.
    private var opening: String {
        guard case .text(let text)? = parts.first else { return "" }
        return text
    }

    /// Where events go beyond the cap on distinct names: the text in front, without separators at its end.
    var base: String {
        guard !fields.isEmpty else { return opening }
        var text = opening[...]
        while let last = text.last, "-_.+".contains(last), text.count > 1 { text.removeLast() }
        return String(text)
    }

    /// Patterns of all names that can come of it, with their day.
    var templatePatterns: [String] {
        let daily = "\(base)-*"
        return fields.isEmpty || "\(opening)*" == daily ? [daily] : [daily, "\(opening)*"]
    }
}
