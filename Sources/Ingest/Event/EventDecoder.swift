import Common

/// Takes the JSON of one Lumberjack frame apart into an `Event`.
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

    private init() {}

    /// Fills `event`, which must be reset, from `payload`.
    ///
    /// - Returns: whether half a surrogate pair stands in it, which must not go into a document.
    static func decode(_ payload: RawSpan, into event: inout Event) throws(Failure) -> Bool {
        var decoder = EventDecoder()
        do {
            guard try decoder.reader.kind(payload) == .object else { throw Failure.notAnObject }
            try decoder.object(FieldTable.root, payload, &event)
            try decoder.reader.end(payload)
            return decoder.reader.hasLoneSurrogate
        } catch let error as JSONError {
            throw .json(error)
        } catch let error as Failure {
            throw error
        } catch {
            throw .notAnObject
        }
    }

    private mutating func object(_ node: Int, _ payload: RawSpan, _ event: inout Event) throws {
        try reader.beginObject(payload)
        var isFirst = true
        while let key = try reader.nextKey(payload, isFirst: &isFirst) {
            count += 1
            guard count <= Self.maxMembers else { throw Failure.tooManyMembers }
            switch event.table.child(of: node, key: payload, key.range) {
            case .field(let id): try field(id, payload, &event)
            case .node(let child):
                if try reader.kind(payload) == .object {
                    try object(child, payload, &event)
                } else {
                    try misplaced(key.range, child, payload, &event)
                }
            case nil: try unknown(key, node, payload, &event)
            }
        }
    }

    @inline(__always)
    private mutating func field(_ id: FieldID, _ payload: RawSpan, _ event: inout Event) throws {
        guard try reader.kind(payload) == .string else {
            event.set(id, json: try reader.value(payload, depth: 1), in: .payload)
            return
        }
        let text = try reader.string(payload)
        event.set(id, json: text.quoted, in: .payload)
        if id == event.table.id(.message) { event.message = text }
    }

    private mutating func unknown(
        _ key: JSONReader.Text,
        _ node: Int,
        _ payload: RawSpan,
        _ event: inout Event
    ) throws {
        if node == FieldTable.root, payload.equals("@metadata", key.range) {
            try metadata(payload, &event)
            return
        }
        // ecs-logging writes `"log.level"` beside an object `"log"`: both must end up in one object.
        if let dot = payload.firstIndex(of: UInt8(ascii: "."), in: key.range), dot > key.range.lowerBound,
            case .node(let child) = event.table.child(of: node, key: payload, key.range.lowerBound..<dot)
        {
            let last = JSONReader.Text(range: dot + 1..<key.range.upperBound, hasEscapes: key.hasEscapes)
            switch event.table.child(of: child, key: payload, last.range) {
            case .field(let id): try field(id, payload, &event)
            case .node(let inner):
                if try reader.kind(payload) == .object {
                    try object(inner, payload, &event)
                } else {
                    try misplaced(last.range, inner, payload, &event)
                }
            case nil: try unknown(last, child, payload, &event)
            }
            return
        }
        let value = try reader.value(payload, depth: 1)
        event.keep(key.range, value: value, in: node, payload: payload)
    }

    /// A single value where documents have an object, such as python-logstash-async's `"host":"web-1"`.
    ///
    /// As such it would make Elasticsearch refuse the document, so it moves: `host` to `host.name`, others to `labels`.
    private mutating func misplaced(
        _ key: Range<Int>,
        _ node: Int,
        _ payload: RawSpan,
        _ event: inout Event
    ) throws {
        let isText = try reader.kind(payload) == .string
        let value = try reader.value(payload, depth: 1)
        if node == event.table.host, isText {
            event.set(.hostName, json: value, in: .payload)
        } else if !payload.equals("null", value) {
            event.keep(key, value: value, in: event.table.labels, payload: payload)
        }
    }

    /// Transport data: never indexed, but it may name the document's id.
    private mutating func metadata(_ payload: RawSpan, _ event: inout Event) throws {
        guard try reader.kind(payload) == .object else {
            _ = try reader.value(payload, depth: 1)
            return
        }
        try reader.beginObject(payload)
        var isFirst = true
        while let key = try reader.nextKey(payload, isFirst: &isFirst) {
            if payload.equals("_id", key.range), try reader.kind(payload) == .string {
                let id = try reader.string(payload)
                if !id.hasEscapes { event.requestedID = id.range }
            } else {
                _ = try reader.value(payload, depth: 2)
            }
        }
    }
}
