import Common

/// Makes fields of pairs such as `user=ann took="1 s"`.
///
///     - kv:
///         field: message
///         target: app
///         field_split: ' &'           characters between pairs
///         value_split: '='            characters between key and value
///         include_keys: [user, took]
struct KeyValuePlan: FilterPlan {
    fileprivate enum Letters: String, CaseIterable, Sendable { case keep, lowercase, uppercase }

    fileprivate let field: FieldPath
    fileprivate let target: FieldPath?
    fileprivate let prefix: [UInt8]
    fileprivate let separators: KeyValueScanner.Separators
    fileprivate let trimKey: ByteSet
    fileprivate let trimValue: ByteSet
    fileprivate let included: Set<[UInt8]>
    fileprivate let excluded: Set<[UInt8]>
    fileprivate let defaults: [(path: FieldPath, value: FieldText)]
    fileprivate let allowsDuplicates: Bool
    fileprivate let letters: Letters
    fileprivate let maxKeys: Int

    init(_ reader: ConfigurationReader) {
        reader.advise("source", "write field: message")
        reader.advise("field_split_pattern", "use grok or gsub in front of kv; field_split takes characters")
        field = reader.path("field", default: "message")
        target = reader.path("target")
        prefix = Array(reader.string("prefix", default: "").utf8)
        separators = KeyValueScanner.Separators(
            fields: reader.byteSet("field_split", default: " "),
            values: reader.byteSet("value_split", default: "="),
            takesQuotes: reader.bool("quotes", default: true),
            takesBrackets: reader.bool("include_brackets", default: true)
        )
        for key in ["field_split", "value_split"] where reader.has(key) && reader.string(key) == "" {
            reader.problem(key, "is empty; write the characters that separate")
        }
        trimKey = reader.byteSet("trim_key", default: "")
        trimValue = reader.byteSet("trim_value", default: "")
        included = Set(reader.strings("include_keys").map { Array($0.utf8) })
        excluded = Set(reader.strings("exclude_keys").map { Array($0.utf8) })
        defaults = reader.fieldTexts("default_keys")
        allowsDuplicates = reader.bool("allow_duplicate_values", default: true)
        letters = reader.choice("transform_key", default: .keep)
        maxKeys = reader.int("max_keys", default: 200, in: 1...10_000)
    }

    func filter(_ workplace: FilterWorkplace) -> any Filter { KeyValueFilter(plan: self) }
}

extension ConfigurationReader {
    /// The characters of a text, which must be ASCII.
    fileprivate func byteSet(_ key: String, default fallback: String) -> ByteSet {
        let text = string(key, default: fallback)
        if !text.utf8.allSatisfy({ $0 < 0x80 }) {
            problem(key, "\"\(text)\" has characters that are not ASCII")
        }
        return ByteSet(text.utf8)
    }
}

private final class KeyValueFilter: Filter {
    private let plan: KeyValuePlan
    private var text = ByteBuffer()
    private var key = ByteBuffer()
    private var value = ByteBuffer()

    init(plan: KeyValuePlan) { self.plan = plan }

    func apply(to record: Record) throws(FilterFailure) -> FilterOutcome {
        guard let node = record.find(plan.field), record.copyText(of: node, into: &text) else {
            throw FilterFailure(.keyValue, "\(plan.field.text) has no text")
        }
        let count = try text.withSpan { bytes throws(FilterFailure) in try read(bytes, record) }
        for (path, text) in plan.defaults where record.find(path) == nil {
            value.removeAll()
            text.append(record, to: &value)
            try value.withSpan { bytes throws(FilterFailure) in
                try record.set(path, text: bytes, 0..<bytes.byteCount)
            }
        }
        guard count > 0 else { throw FilterFailure(.keyValue, "\(plan.field.text) has no key with a value") }
        return .next
    }

    /// - Returns: how many pairs there were, those left out included.
    private func read(_ bytes: RawSpan, _ record: Record) throws(FilterFailure) -> Int {
        var scanner = KeyValueScanner(0..<bytes.byteCount, plan.separators)
        var parent = Record.root
        var count = 0
        var written = 0
        while let pair = scanner.next(bytes) {
            count += 1
            guard append(key: pair.key, of: bytes) else { continue }
            guard written < plan.maxKeys else {
                throw FilterFailure(.keyValue, "\(plan.field.text) has more than \(plan.maxKeys) keys")
            }
            if written == 0, let target = plan.target { parent = try object(target, record) }
            try write(bytes, trimmed(bytes, pair.value, plan.trimValue), in: parent, record)
            written += 1
        }
        return count
    }

    private func object(_ target: FieldPath, _ record: Record) throws(FilterFailure) -> Record.Node {
        let node = try record.slot(target)
        if record.kind(of: node) != .object { record.makeObject(node) }
        return node
    }

    /// Makes the name of a field of a key.
    ///
    /// - Returns: false for a key that is not wanted.
    private func append(key range: Range<Int>, of bytes: RawSpan) -> Bool {
        let range = trimmed(bytes, range, plan.trimKey)
        guard range.count <= Record.maxNameBytes else { return false }
        key.removeAll()
        key.append(plan.prefix)
        for index in range {
            let byte = bytes[index]
            switch plan.letters {
            case .lowercase where byte &- 65 < 26: key.append(byte | 0x20)
            case .uppercase where byte &- 97 < 26: key.append(byte & ~0x20)
            default: key.append(byte)
            }
        }
        guard !plan.included.isEmpty || !plan.excluded.isEmpty else { return true }
        let name = Array(key.array.dropFirst(plan.prefix.count))
        return (plan.included.isEmpty || plan.included.contains(name)) && !plan.excluded.contains(name)
    }

    private func trimmed(_ bytes: RawSpan, _ range: Range<Int>, _ set: ByteSet) -> Range<Int> {
        guard !set.isEmpty else { return range }
        var (start, end) = (range.lowerBound, range.upperBound)
        while start < end, set.contains(bytes[start]) { start += 1 }
        while end > start, set.contains(bytes[end - 1]) { end -= 1 }
        return start..<end
    }

    private func write(_ bytes: RawSpan, _ range: Range<Int>, in parent: Record.Node, _ record: Record)
        throws(FilterFailure)
    {
        try key.withSpan { name throws(FilterFailure) in
            let names = 0..<name.byteCount
            if !plan.allowsDuplicates, isThere(bytes, range, name, parent, record) { return }
            guard let node = try record.namedField(name, names, in: parent, appending: true) else { return }
            record.replace(node, text: bytes, range)
        }
    }

    /// Whether the field has that value already.
    private func isThere(
        _ bytes: RawSpan,
        _ range: Range<Int>,
        _ name: RawSpan,
        _ parent: Record.Node,
        _ record: Record
    )
        -> Bool
    {
        guard let node = record.member(of: parent, name, 0..<name.byteCount) else { return false }
        func isSame(_ node: Record.Node) -> Bool {
            record.withText(of: node) { $0.equals(bytes, range, $1) } ?? false
        }
        return record.kind(of: node) == .list
            ? record.children(of: node).contains(where: isSame) : isSame(node)
    }
}
