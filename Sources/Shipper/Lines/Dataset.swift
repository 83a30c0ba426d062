import Common

/// What is known of the lines of well-known programs (`dataset`): which of them belong together.
///
/// A `dataset` that is not listed is just a name.
enum Dataset {
    /// The rule for lines of a dataset; nil when each is an event.
    static func multiline(_ dataset: String) -> MultilinePreset? {
        switch dataset {
        // FastCGI's errors run over several lines.
        case "nginx.error": .startPattern(#"^\d{4}/\d{2}/\d{2} \d{2}:\d{2}:\d{2} "#)
        case "gunicorn.error": .startPattern(#"^\[\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}"#)
        // The application's lines, and those of the development server.
        case "flask":
            .startPattern(#"^(?:\[\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}|\S+ - - \[)"#)
        case "django", "python": .pythonTraceback
        default: nil
        }
    }

    /// The rule for lines that are JSON objects; nil when they are not.
    static func json(_ dataset: String) -> JSONRule? {
        guard dataset == "json" else { return nil }
        return JSONRule(target: "", overwritesKeys: true, expandsKeys: true, addsErrorKey: true)
    }
}

/// Ready-made rules for lines that belong together.
enum MultilinePreset {
    /// An event begins with a line that matches.
    case startPattern(String)
    /// Java's stack traces: their lines belong to the one before.
    case java
    case pythonTraceback

    var rule: MultilineRule? {
        switch self {
        case .startPattern(let pattern): MultilineRule(kind: .after(Self.own(pattern), negate: true))
        case .java:
            MultilineRule(
                kind: .after(Self.own(#"^\s+(?:at|\.{3})\s+\b|^Caused by:|^\s+Suppressed:"#), negate: false)
            )
        case .pythonTraceback: MultilineRule(kind: .pythonTraceback)
        }
    }

    private static func own(_ pattern: String) -> RegularExpression {
        do {
            return try RegularExpression(pattern)
        } catch {
            fatalError("a pattern of ours does not compile: \(error)")
        }
    }
}
