import Common

extension LineRules {
    /// Reads an input's keys; what they leave open follows from its dataset.
    init(_ reader: ConfigurationReader, dataset: String) {
        let name = reader.string("encoding", default: "utf-8")
        if let known = TextEncoding(name: name) {
            encoding = known
        } else {
            reader.problem("encoding", "\"\(name)\" is not known; some that are: \(TextEncoding.examples)")
        }
        terminator = reader.choice("line_terminator", default: LineTerminator.Name.auto)
        if [.nextLine, .lineSeparator, .paragraphSeparator].contains(terminator), encoding.unitBytes == 1,
            !encoding.isUTF8
        {
            reader.problem("line_terminator", "\(terminator.rawValue) works with utf-8 and utf-16 only")
        }
        if reader.has("container") {
            let section = reader.section("container")
            container = ContainerRule(
                format: section.choice("format", default: ContainerRule.Format.auto),
                stream: section.choice("stream", default: ContainerRule.Stream.all)
            )
        }
        json = reader.has("json") ? JSONRule(reader.section("json")) : Dataset.json(dataset)
        multiline = Self.multiline(reader, dataset)
        if multiline != nil, let json, json.messageKey.isEmpty {
            reader.problem("json.message_key", "missing; with multiline it says which member holds the text")
        }
        filter = LineFilter(
            included: reader.expressions("include_lines"),
            excluded: reader.expressions("exclude_lines")
        )
    }

    private enum MultilineType: String, CaseIterable {
        case pattern, count, whilePattern = "while_pattern"
        case pythonTraceback = "python_traceback", java
        /// Also without the rule that the dataset would have.
        case none
    }

    private enum MultilineMatch: String, CaseIterable { case after, before }

    private static func multiline(_ reader: ConfigurationReader, _ dataset: String) -> MultilineRule? {
        guard reader.has("multiline") else { return Dataset.multiline(dataset)?.rule }
        let section = reader.section("multiline")
        let type = section.choice("type", default: MultilineType.pattern)
        let negate = section.bool("negate", default: false)
        let match = section.choice("match", default: MultilineMatch.after)
        let pattern = section.expression("pattern")
        let count = section.int("count_lines", default: 0, in: 0...100_000)
        let flush = section.expression("flush_pattern")
        let maxLines = section.int("max_lines", default: 500, in: 1...1_000_000)
        let timeout = section.duration(
            "timeout",
            default: .seconds(5),
            in: .milliseconds(100)...(.seconds(3600))
        )
        let skipsNewline = section.bool("skip_newline", default: false)
        let needsPattern = type == .pattern || type == .whilePattern
        if needsPattern, !section.has("pattern") {
            section.problem("pattern", "missing; write a regular expression, such as '^\\['")
        }
        if type == .count, count == 0 {
            section.problem("count_lines", "missing; say how many lines are one event")
        }
        let kind: MultilineRule.Kind
        switch (type, pattern) {
        case (.pattern, let pattern?):
            kind = match == .after ? .after(pattern, negate: negate) : .before(pattern, negate: negate)
        case (.whilePattern, let pattern?): kind = .whileMatching(pattern, negate: negate)
        case (.count, _): kind = .count(max(count, 1))
        case (.pythonTraceback, _): kind = .pythonTraceback
        case (.java, _):
            guard let java = MultilinePreset.java.rule else { return nil }
            kind = java.kind
        case (.none, _), (.pattern, nil), (.whilePattern, nil): return nil
        }
        return MultilineRule(
            kind: kind,
            flush: flush,
            maxLines: maxLines,
            timeout: timeout,
            skipsNewline: skipsNewline
        )
    }
}

extension JSONRule {
    fileprivate init(_ reader: ConfigurationReader) {
        target = reader.string("target", default: "json")
        overwritesKeys = reader.bool("overwrite_keys", default: false)
        expandsKeys = reader.bool("expand_keys", default: false)
        messageKey = reader.string("message_key", default: "")
        addsErrorKey = reader.bool("add_error_key", default: false)
        if ["@timestamp", "message", "log", "host", "agent", "event", "fields", "tags"].contains(target) {
            reader.problem(
                "target",
                "\"\(target)\" is a member that the shipper sets itself; choose another name"
            )
        }
    }
}

extension ConfigurationReader {
    fileprivate func expressions(_ key: String) -> [RegularExpression] {
        strings(key).compactMap { compile($0, key) }
    }

    fileprivate func expression(_ key: String) -> RegularExpression? {
        string(key).flatMap { compile($0, key) }
    }

    private func compile(_ pattern: String, _ key: String) -> RegularExpression? {
        do {
            return try RegularExpression(pattern)
        } catch {
            problem(key, "\"\(pattern)\" is no regular expression: \(error)")
            return nil
        }
    }
}
