import Common

/// Takes the JSON of one Lumberjack frame, or of a line, apart into an `Event`.
///
/// Known members become fields, unknown ones are kept as they are at the place where they stood. Every byte is checked,
/// since ranges of the payload go into the document unseen.
struct EventDecoder {
    /// More members than this are refused: a record of a log has some dozens, and each costs a look-up.
    static let maxMembers = 1024

    /// Why a payload cannot be an event.
    enum Failure: Error, CustomStringConvertible {
        case json(JSONError)
        case notAnObject
        case tooManyMembers

        var description: String {
            switch self {
            case .json(let error): "not valid JSON: \(error)"
            case .notAnObject: "not a JSON object"
            case .tooManyMembers: "more than \(maxMembers) members"
            }
        }
    }

    private var reader = JSONReader()
    private var count = 0
    private var source = Event.Source.payload
    /// Of a line: how its members join the event.
    private var rules: LineMembers?
    private var captured: [LineMembers.Captured] = []

    private init() {}

    /// Fills `event`, which must be reset, from `payload`.
    ///
    /// - Returns: whether half a surrogate pair stands in it, which must not go into a document.
    static func decode(_ payload: RawSpan, into event: inout Event) throws(Failure) -> Bool {
        var decoder = EventDecoder()
        return try decoder.decode(payload, payload, &event)
    }

    /// Adds the members of a line to an event that was decoded from `payload`.
    ///
    /// - Parameter captured: set to the members that `rules` names, in the order of the line.
    /// - Returns: as for an event.
    static func decode(
        line: RawSpan,
        of payload: RawSpan,
        _ rules: LineMembers,
        captured: inout [LineMembers.Captured],
        into event: inout Event
    ) throws(Failure) -> Bool {
        var decoder = EventDecoder()
        decoder.source = .line
        decoder.rules = rules
        captured.removeAll(keepingCapacity: true)
        swap(&decoder.captured, &captured)
        defer { swap(&decoder.captured, &captured) }
        return try decoder.decode(line, payload, &event)
    }

    /// - Parameters:
    ///   - text: what is read.
    ///   - payload: what the members that the event has already point into.
    private mutating func decode(
        _ text: RawSpan,
        _ payload: RawSpan,
        _ event: inout Event
    ) throws(Failure) -> Bool {
        do {
            guard try reader.kind(text) == .object else { throw Failure.notAnObject }
            try object(FieldTable.root, text, payload, &event)
            try reader.end(text)
            return reader.hasLoneSurrogate
        } catch let error as JSONError {
            throw .json(error)
        } catch let error as Failure {
            throw error
        } catch {
            throw .notAnObject
        }
    }

    private mutating func object(
        _ node: Int,
        _ text: RawSpan,
        _ payload: RawSpan,
        _ event: inout Event
    ) throws {
        try reader.beginObject(text)
        var isFirst = true
        while let key = try reader.nextKey(text, isFirst: &isFirst) {
            count += 1
            guard count <= Self.maxMembers else { throw Failure.tooManyMembers }
            if node == FieldTable.root, let rules, try capture(key, rules, text) { continue }
            switch event.table.child(of: node, key: text, key.range) {
            case .field(let id): try field(id, text, payload, &event)
            case .node(let child):
                if try reader.kind(text) == .object {
                    try object(child, text, payload, &event)
                } else {
                    try misplaced(key.range, child, text, payload, &event)
                }
            case nil: try unknown(key, node, text, payload, &event)
            }
        }
    }

    /// Takes a member for the format, if its name is one of those and its value is no object.
    private mutating func capture(
        _ key: JSONReader.Text,
        _ rules: LineMembers,
        _ text: RawSpan
    ) throws -> Bool {
        guard captured.count < LineMembers.maxCaptured, let name = rules.keys.value(text, key.range) else {
            return false
        }
        let kind = try reader.kind(text)
        guard kind != .object else { return false }
        let start = reader.offset
        if kind == .string {
            let value = try reader.string(text)
            captured.append(
                .init(key: name, kind: kind, name: key.range, value: value.quoted, text: value)
            )
        } else {
            _ = try reader.value(text, depth: 1)
            let value = start..<reader.offset
            let inside = JSONReader.Text(range: value, hasEscapes: false)
            captured.append(.init(key: name, kind: kind, name: key.range, value: value, text: inside))
        }
        return true
    }

    @inline(__always)
    private mutating func field(
        _ id: FieldID,
        _ text: RawSpan,
        _ payload: RawSpan,
        _ event: inout Event
    ) throws {
        guard try reader.kind(text) == .string else {
            set(id, try reader.value(text, depth: 1), text, payload, &event)
            return
        }
        let value = try reader.string(text)
        set(id, value.quoted, text, payload, &event)
        if id == event.table.id(.message), rules == nil { event.message = value }
    }

    @inline(__always)
    private func set(
        _ id: FieldID,
        _ value: Range<Int>,
        _ text: RawSpan,
        _ payload: RawSpan,
        _ event: inout Event
    ) {
        guard let rules else {
            event.set(id, json: value, in: source)
            return
        }
        if rules.isSenders[id.index], event.has(id) { return }
        if rules.areLists.contains(id) {
            event.append(value, of: text, to: id, payload: payload)
        } else {
            event.set(id, json: value, in: source)
        }
    }

    private func keep(
        _ key: Range<Int>,
        _ value: Range<Int>,
        in node: Int,
        _ text: RawSpan,
        _ payload: RawSpan,
        _ event: inout Event
    ) {
        if rules == nil {
            event.keep(key, value: value, in: node, payload: payload)
        } else {
            event.keep(key, value: value, in: node, line: text, payload: payload)
        }
    }

    private mutating func unknown(
        _ key: JSONReader.Text,
        _ node: Int,
        _ text: RawSpan,
        _ payload: RawSpan,
        _ event: inout Event
    ) throws {
        if node == FieldTable.root, text.equals("@metadata", key.range) {
            try metadata(text, &event)
            return
        }
        // ecs-logging writes `"log.level"` beside an object `"log"`: both must end up in one object.
        if let dot = text.firstIndex(of: UInt8(ascii: "."), in: key.range), dot > key.range.lowerBound,
            case .node(let child) = event.table.child(of: node, key: text, key.range.lowerBound..<dot)
        {
            let last = JSONReader.Text(range: dot + 1..<key.range.upperBound, hasEscapes: key.hasEscapes)
            switch event.table.child(of: child, key: text, last.range) {
            case .field(let id): try field(id, text, payload, &event)
            case .node(let inner):
                if try reader.kind(text) == .object {
                    try object(inner, text, payload, &event)
                } else {
                    try misplaced(last.range, inner, text, payload, &event)
                }
            case nil: try unknown(last, child, text, payload, &event)
            }
            return
        }
        let value = try reader.value(text, depth: 1)
        keep(key.range, value, in: node, text, payload, &event)
    }

    /// A single value where documents have an object, such as python-logstash-async's `"host":"web-1"`.
    ///
    /// As such it would make Elasticsearch refuse the document, so it moves: `host` to `host.name`, others to `labels`.
    private mutating func misplaced(
        _ key: Range<Int>,
        _ node: Int,
        _ text: RawSpan,
        _ payload: RawSpan,
        _ event: inout Event
    ) throws {
        let isText = try reader.kind(text) == .string
        let value = try reader.value(text, depth: 1)
        if node == event.table.host, isText {
            set(event.table.id(.hostName), value, text, payload, &event)
        } else if !text.equals("null", value) {
            keep(key, value, in: event.table.labels, text, payload, &event)
        }
    }

    /// Transport data: never indexed, but it may name the document's id.
    private mutating func metadata(_ text: RawSpan, _ event: inout Event) throws {
        guard rules == nil, try reader.kind(text) == .object else {
            _ = try reader.value(text, depth: 1)
            return
        }
        try reader.beginObject(text)
        var isFirst = true
        while let key = try reader.nextKey(text, isFirst: &isFirst) {
            if text.equals("_id", key.range), try reader.kind(text) == .string {
                let id = try reader.string(text)
                if !id.hasEscapes { event.requestedID = id.range }
            } else {
                _ = try reader.value(text, depth: 2)
            }
        }
    }
}
