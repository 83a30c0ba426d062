import CYAML

/// A YAML document as a tree of values, each with its line.
///
/// Alone in naming libyaml.
///
/// Hostile documents end in an error: size, depth and the number of values after the expansion of aliases are
/// bounded, a repeated key is refused, and so is a second document.
package struct YAMLDocument {
    /// A configuration is a few kilobytes; a megabyte is a wrong file.
    package static let maxBytes = 1 << 20
    /// No configuration nests this deep, and recursion stays shallow.
    package static let maxDepth = 64
    /// Values after aliases are expanded: bounds documents that repeat themselves exponentially.
    package static let maxValues = 100_000

    package let root: YAMLNode

    /// Parses `bytes`; an empty document is an empty mapping.
    ///
    /// - Parameter source: the name for positions and errors.
    package init(parsing bytes: [UInt8], source: String) throws(ConfigurationError) {
        guard bytes.count <= Self.maxBytes else {
            throw ConfigurationError(
                "larger than \(Self.maxBytes) bytes; this is not a configuration file",
                at: YAMLPosition(source: source)
            )
        }
        try Self.checkUTF8(bytes, source: source)
        root = try bytes.withUnsafeBufferPointer { buffer throws(ConfigurationError) in
            var composer = try YAMLComposer(buffer, source: source)
            return try composer.document()
        }
    }

    private static func checkUTF8(_ bytes: [UInt8], source: String) throws(ConfigurationError) {
        var problem: YAMLPosition?
        bytes.withUnsafeBytes { raw in
            let span = raw.bytes
            var line = 1
            var index = 0
            while index < span.byteCount {
                let length = span.lengthOfUTF8Scalar(at: index, end: span.byteCount)
                guard length > 0 else {
                    problem = YAMLPosition(source: source, line: line)
                    return
                }
                if span[index] == UInt8(ascii: "\n") { line += 1 }
                index += length
            }
        }
        if let problem { throw ConfigurationError("not valid UTF-8; save the file as UTF-8", at: problem) }
    }
}

/// Builds the tree from libyaml's events.
private struct YAMLComposer: ~Copyable {
    /// A value that an alias may repeat, with what repeating it costs.
    private struct Anchored {
        let node: YAMLNode
        let values: Int
        let depth: Int
    }

    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let bytes: UnsafeBufferPointer<UInt8>
    private let source: String
    private var anchors: [String: Anchored] = [:]
    private var values = 0
    /// Depth of the value composed last, counted from its own level.
    private var lastDepth = 0

    init(_ bytes: UnsafeBufferPointer<UInt8>, source: String) throws(ConfigurationError) {
        parser = .allocate(capacity: 1)
        self.bytes = bytes
        self.source = source
        guard yaml_parser_initialize(parser) == 1 else { fatalError("libyaml: out of memory") }
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(parser, bytes.baseAddress, bytes.count)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
    }

    mutating func document() throws(ConfigurationError) -> YAMLNode {
        _ = try next()
        guard case .documentStart = try next().event else {
            return YAMLNode(.mapping([]), at: YAMLPosition(source: source, line: 1, column: 1))
        }
        let root = try node(try next(), depth: 0)
        _ = try next()
        let end = try next()
        guard case .streamEnd = end.event else {
            throw ConfigurationError(
                "a second document starts here; one file is one document",
                at: end.position
            )
        }
        return root
    }

    private mutating func node(_ read: Read, depth: Int) throws(ConfigurationError) -> YAMLNode {
        guard depth < YAMLDocument.maxDepth else {
            throw ConfigurationError("nested deeper than \(YAMLDocument.maxDepth) levels", at: read.position)
        }
        try count(1, at: read.position)
        let before = values
        let content: YAMLNode.Content
        var height = 0
        switch read.event {
        case .alias(let name):
            guard let anchored = anchors[name] else {
                throw ConfigurationError("alias *\(name) has no anchor &\(name) before it", at: read.position)
            }
            guard depth + anchored.depth < YAMLDocument.maxDepth else {
                throw ConfigurationError(
                    "nested deeper than \(YAMLDocument.maxDepth) levels",
                    at: read.position
                )
            }
            try count(anchored.values, at: read.position)
            lastDepth = anchored.depth
            return anchored.node
        case .scalar(let scalar):
            content = .scalar(scalar)
        case .sequenceStart:
            var elements: [YAMLNode] = []
            while true {
                let element = try next()
                if case .sequenceEnd = element.event { break }
                elements.append(try node(element, depth: depth + 1))
                height = max(height, lastDepth + 1)
            }
            content = .sequence(elements)
        case .mappingStart:
            content = .mapping(try entries(depth: depth + 1, height: &height))
        default:
            throw ConfigurationError("a value is missing here", at: read.position)
        }
        lastDepth = height
        let node = YAMLNode(content, at: read.position, textColumn: read.textColumn)
        if let anchor = read.anchor {
            anchors[anchor] = Anchored(node: node, values: values - before + 1, depth: height)
        }
        return node
    }

    private mutating func entries(
        depth: Int,
        height: inout Int
    ) throws(ConfigurationError) -> [YAMLNode.Entry] {
        var entries: [YAMLNode.Entry] = []
        var lines: [String: Int] = [:]
        var merged: [YAMLNode] = []
        while true {
            let read = try next()
            if case .mappingEnd = read.event { break }
            guard case .scalar(let key) = read.event else {
                throw ConfigurationError("a key must be plain text", at: read.position)
            }
            try count(1, at: read.position)
            if let line = lines.updateValue(read.position.line, forKey: key.text) {
                throw ConfigurationError(
                    "the key appears twice in this section, first in line \(line); keep one of them",
                    at: read.position,
                    path: key.text
                )
            }
            let value = try node(try next(), depth: depth)
            height = max(height, lastDepth + 1)
            if key.text == "<<", !key.isQuoted {
                merged.append(value)
            } else {
                entries.append(
                    YAMLNode.Entry(
                        key: key.text,
                        isQuoted: key.isQuoted,
                        position: read.position,
                        value: value
                    )
                )
            }
        }
        for value in merged { try merge(value, into: &entries) }
        return entries
    }

    /// Takes over what a merge key `<<` brings and `entries` do not say themselves.
    private func merge(_ value: YAMLNode, into entries: inout [YAMLNode.Entry]) throws(ConfigurationError) {
        switch value.content {
        case .mapping(let more):
            let known = Set(entries.map(\.key))
            entries += more.filter { !known.contains($0.key) }
        case .sequence(let sections):
            for section in sections { try merge(section, into: &entries) }
        case .scalar:
            throw ConfigurationError("<< wants a section or an alias of one", at: value.position)
        }
    }

    private mutating func count(_ more: Int, at position: YAMLPosition) throws(ConfigurationError) {
        values += more
        guard values <= YAMLDocument.maxValues else {
            throw ConfigurationError(
                "more than \(YAMLDocument.maxValues) values, aliases counted as what they repeat",
                at: position
            )
        }
    }

    // MARK: - Events

    private enum Event {
        case streamStart, streamEnd, documentStart, documentEnd
        case alias(String)
        case scalar(YAMLScalar)
        case sequenceStart, sequenceEnd, mappingStart, mappingEnd
    }

    private struct Read {
        let event: Event
        let anchor: String?
        let position: YAMLPosition
        var textColumn: Int?
    }

    private func next() throws(ConfigurationError) -> Read {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw parserError() }
        defer { yaml_event_delete(&event) }
        let position = YAMLPosition(
            source: source,
            line: Int(event.start_mark.line) + 1,
            column: Int(event.start_mark.column) + 1
        )
        switch event.type {
        case YAML_STREAM_START_EVENT: return Read(event: .streamStart, anchor: nil, position: position)
        case YAML_DOCUMENT_START_EVENT: return Read(event: .documentStart, anchor: nil, position: position)
        case YAML_DOCUMENT_END_EVENT: return Read(event: .documentEnd, anchor: nil, position: position)
        case YAML_SEQUENCE_END_EVENT: return Read(event: .sequenceEnd, anchor: nil, position: position)
        case YAML_MAPPING_END_EVENT: return Read(event: .mappingEnd, anchor: nil, position: position)
        case YAML_ALIAS_EVENT:
            let name = text(event.data.alias.anchor) ?? ""
            return Read(event: .alias(name), anchor: nil, position: position)
        case YAML_SEQUENCE_START_EVENT:
            let data = event.data.sequence_start
            try check(tag: text(data.tag), among: [YAML_SEQ_TAG], at: position)
            return Read(event: .sequenceStart, anchor: text(data.anchor), position: position)
        case YAML_MAPPING_START_EVENT:
            let data = event.data.mapping_start
            try check(tag: text(data.tag), among: [YAML_MAP_TAG], at: position)
            return Read(event: .mappingStart, anchor: text(data.anchor), position: position)
        case YAML_SCALAR_EVENT:
            let data = event.data.scalar
            let value = UnsafeBufferPointer(start: data.value, count: data.length)
            let tag = text(data.tag)
            let asText = ["!", YAML_STR_TAG]
            let plain = [YAML_NULL_TAG, YAML_BOOL_TAG, YAML_INT_TAG, YAML_FLOAT_TAG]
            try check(tag: tag, among: asText + plain, at: position)
            let scalar = YAMLScalar(
                String(decoding: value, as: UTF8.self),
                isQuoted: data.style != YAML_PLAIN_SCALAR_STYLE || tag.map(asText.contains) == true
            )
            return Read(
                event: .scalar(scalar),
                anchor: text(data.anchor),
                position: position,
                textColumn: Self.textColumn(of: scalar.text, data.style, event)
            )
        default: return Read(event: .streamEnd, anchor: nil, position: position)
        }
    }

    /// See `YAMLNode.textColumn`: the event is as long as its text and quotes only where nothing is escaped or folded.
    private static func textColumn(of text: String, _ style: yaml_scalar_style_t, _ event: yaml_event_t)
        -> Int?
    {
        let quote =
            style == YAML_SINGLE_QUOTED_SCALAR_STYLE || style == YAML_DOUBLE_QUOTED_SCALAR_STYLE ? 1 : 0
        let (start, end) = (event.start_mark, event.end_mark)
        guard start.line == end.line, Int(end.column - start.column) == text.unicodeScalars.count + 2 * quote
        else { return nil }
        return Int(start.column) + 1 + quote
    }

    private func check(
        tag: String?,
        among known: [String],
        at position: YAMLPosition
    ) throws(ConfigurationError) {
        guard let tag, !known.contains(tag) else { return }
        throw ConfigurationError(
            "the tag \(tag) does not belong into a configuration; remove it",
            at: position
        )
    }

    private func text(_ characters: UnsafeMutablePointer<UInt8>?) -> String? {
        characters.map { String(cString: $0) }
    }

    private func parserError() -> ConfigurationError {
        let problem = parser.pointee.problem.map { String(cString: $0) } ?? "cannot be read"
        let context = parser.pointee.context.map { " " + String(cString: $0) } ?? ""
        let newline = UInt8(ascii: "\n")
        var line: Int
        switch parser.pointee.error {
        case YAML_MEMORY_ERROR: fatalError("libyaml: out of memory")
        case YAML_READER_ERROR:
            // The reader knows only the offset.
            let end = min(Int(parser.pointee.problem_offset), bytes.count)
            line = bytes[..<end].count(where: { $0 == newline }) + 1
        default: line = Int(parser.pointee.problem_mark.line) + 1
        }
        // The end of the text counts as a line of its own to libyaml.
        let lines = bytes.split(separator: newline, omittingEmptySubsequences: false)
        if line > lines.count { line = lines.count }
        let hasReference = String(decoding: lines[line - 1], as: UTF8.self).contains("${")
        let hint = hasReference ? "; between brackets a reference wants quotes: \"${NAME}\"" : ""
        return ConfigurationError(
            "not valid YAML: \(problem)\(context)\(hint)",
            at: YAMLPosition(source: source, line: line, column: Int(parser.pointee.problem_mark.column) + 1)
        )
    }
}
