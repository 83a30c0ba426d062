import Common

/// Reads JSON that stands in a text.
///
///     - json:
///         field: message
///         target: app                    without it, members become fields of the event
///         overwrite: true                what is there already
///         expand_dotted_keys: true       "a.b" becomes b in a
///         remove_source: true
struct JSONPlan: FilterPlan {
    fileprivate let field: FieldPath
    fileprivate let target: FieldPath?
    fileprivate let overwrites: Bool
    fileprivate let expandsDottedKeys: Bool
    fileprivate let removesSource: Bool
    fileprivate let skipsOthers: Bool
    fileprivate let limits: JSONLimits

    init(_ reader: ConfigurationReader) {
        reader.advise("source", "write field: message")
        reader.advise("add_to_root", "leave target out, and members become fields of the event")
        field = reader.path("field", default: "message")
        target = reader.path("target")
        overwrites = reader.bool("overwrite", default: true)
        expandsDottedKeys = reader.bool("expand_dotted_keys", default: false)
        removesSource = reader.bool("remove_source", default: false)
        skipsOthers = reader.bool("skip_on_invalid_json", default: false)
        limits = JSONLimits(
            depth: reader.int("max_depth", default: 20, in: 1...JSONReader.maxDepth - 4),
            values: reader.int("max_values", default: 1000, in: 1...Record.maxValues)
        )
    }

    func filter(_ workplace: FilterWorkplace) -> any Filter { JSONFilter(plan: self) }
}

private final class JSONFilter: Filter {
    private let plan: JSONPlan
    private var text = ByteBuffer()
    private var key = ByteBuffer()

    init(plan: JSONPlan) { self.plan = plan }

    func apply(to record: Record) throws(FilterFailure) -> FilterOutcome {
        guard let node = record.find(plan.field), record.kind(of: node) == .text,
            record.copyText(of: node, into: &text)
        else { throw FilterFailure(.json, "\(plan.field.text) has no text") }
        if plan.skipsOthers, !looksLikeJSON { return .next }
        try text.withSpan { bytes throws(FilterFailure) in try check(bytes) }
        // First, since a member may have the name of the text.
        if plan.removesSource { record.remove(plan.field) }
        try text.withSpan { bytes throws(FilterFailure) in try read(bytes, into: record) }
        return .next
    }

    private var looksLikeJSON: Bool {
        text.withSpan { bytes in
            for index in 0..<bytes.byteCount where bytes[index] > 0x20 {
                return bytes[index] == UInt8(ascii: "{") || bytes[index] == UInt8(ascii: "[")
            }
            return false
        }
    }

    /// Refuses what cannot be read, before anything is written.
    private func check(_ bytes: RawSpan) throws(FilterFailure) {
        let kind: JSONReader.Kind
        do throws(JSONLimits.Problem) {
            kind = try plan.limits.check(bytes)
        } catch {
            throw FilterFailure(.json, "\(plan.field.text) \(error)")
        }
        guard plan.target != nil || kind == .object else {
            throw FilterFailure(.json, "\(plan.field.text) is JSON, but no object; a target would keep it")
        }
    }

    private func read(_ bytes: RawSpan, into record: Record) throws(FilterFailure) {
        var reader = JSONReader()
        do {
            var parent = Record.root
            if let target = plan.target {
                let isObject = try reader.kind(bytes) == .object
                if let there = record.find(target), !plan.overwrites, !record.isEmpty(there) {
                    throw FilterFailure(.json, "\(target.text) is there already")
                }
                parent = try record.slot(target)
                guard isObject, plan.expandsDottedKeys else {
                    return try record.read(&reader, bytes, into: parent, depth: 0)
                }
                record.makeObject(parent)
            }
            try readMembers(&reader, bytes, into: parent, record, depth: 0)
        } catch let error as JSONError {
            throw FilterFailure(.json, "\(plan.field.text) is no JSON: \(error)")
        } catch let error as FilterFailure {
            throw error
        } catch {
            fatalError("reading JSON: \(error)")
        }
    }

    /// Adds the members of an object, which have been checked, to one that may have members already.
    private func readMembers(
        _ reader: inout JSONReader,
        _ bytes: RawSpan,
        into parent: Record.Node,
        _ record: Record,
        depth: Int
    ) throws {
        var isFirst = true
        try reader.beginObject(bytes)
        while let name = try reader.nextKey(bytes, isFirst: &isFirst) {
            key.removeAll()
            key.append(unescaped: name, of: bytes)
            guard let place = try key.withSpan({ try self.place($0, in: parent, record) }) else {
                _ = try reader.value(bytes)
                continue
            }
            if plan.expandsDottedKeys, try reader.kind(bytes) == .object {
                if record.kind(of: place) != .object { record.makeObject(place) }
                try readMembers(&reader, bytes, into: place, record, depth: depth + 1)
            } else {
                try record.read(&reader, bytes, into: place, depth: depth)
            }
        }
    }

    /// Where a member goes; nil for one that is left out.
    private func place(_ key: RawSpan, in parent: Record.Node, _ record: Record) throws(FilterFailure)
        -> Record.Node?
    {
        let range = 0..<key.byteCount
        if plan.expandsDottedKeys, let node = try record.namedField(key, range, in: parent) {
            return plan.overwrites || record.isEmpty(node) || record.kind(of: node) == .object ? node : nil
        }
        // Whoever writes a line must not decide over ids and indices.
        if parent == Record.root, key.equals("@metadata", range) { return nil }
        guard let known = record.member(of: parent, key, range) else {
            return try record.addMember(to: parent, key, range)
        }
        return plan.overwrites ? known : nil
    }
}
