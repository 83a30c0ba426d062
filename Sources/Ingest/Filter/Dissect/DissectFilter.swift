import Common

/// Cuts a line at fixed texts: the cheap alternative to `grok`.
///
///     - dissect:
///         field: message
///         pattern: '%{client.ip} - [%{time}] "%{verb} %{url.path} %{}" %{status}'
///         convert_datatype: {status: int}
struct DissectPlan: FilterPlan {
    fileprivate let field: FieldPath
    fileprivate let pattern: DissectPattern?
    /// Of each field of the pattern.
    fileprivate let types: [CaptureType]
    /// Between the parts of a field that is put together; nil for the delimiter that stood there.
    fileprivate let separator: [UInt8]?

    init(_ reader: ConfigurationReader) {
        reader.advise("mapping", "write field: message and pattern: '…'")
        field = reader.path("field", default: "message")
        separator = reader.string("append_separator").map { Array($0.utf8) }
        let text = reader.required("pattern")
        var found: DissectPattern?
        if !text.isEmpty {
            do throws(PatternError) {
                found = try DissectPattern(text)
            } catch {
                reader.problem("pattern", "\(error)")
            }
        }
        pattern = found
        types = Self.types(reader, found?.fields ?? [])
    }

    private static func types(_ reader: ConfigurationReader, _ fields: [FieldPath]) -> [CaptureType] {
        var types = Array(repeating: CaptureType.text, count: fields.count)
        for (path, type) in reader.captureTypes("convert_datatype") {
            if let index = fields.firstIndex(of: path) {
                types[index] = type
            } else if !fields.isEmpty {
                reader.problem("convert_datatype", "\(path.text) is no field of the pattern")
            }
        }
        return types
    }

    func filter(_ workplace: FilterWorkplace) -> any Filter {
        guard let pattern else { fatalError("dissect without a pattern: complaints were not thrown") }
        return DissectFilter(plan: self, pattern)
    }
}

private final class DissectFilter: Filter {
    /// Memory that one huge value may leave behind.
    private static let keptBytes = 64 << 10

    private let plan: DissectPlan
    private let pattern: DissectPattern
    private var text = ByteBuffer()
    private var joined = ByteBuffer()
    /// What each part of the pattern was.
    private var values: [Range<Int>]
    /// The text of each key of a name.
    private var names: [Range<Int>]

    init(plan: DissectPlan, _ pattern: DissectPattern) {
        self.plan = plan
        self.pattern = pattern
        values = Array(repeating: 0..<0, count: pattern.parts.count)
        names = Array(repeating: 0..<0, count: pattern.keyCount)
    }

    func apply(to record: Record) throws(FilterFailure) -> FilterOutcome {
        guard let node = record.find(plan.field), record.copyText(of: node, into: &text) else {
            throw FilterFailure(.dissect, "\(plan.field.text) has no text")
        }
        try text.withSpan { bytes throws(FilterFailure) in
            try cut(bytes)
            try write(bytes, record)
        }
        return .next
    }

    /// Finds where the parts lie; nothing is written unless all of them are there.
    private func cut(_ bytes: RawSpan) throws(FilterFailure) {
        let end = bytes.byteCount
        var start = pattern.prefix.count
        guard start <= end, bytes.equals(pattern.prefix, 0..<start) else {
            throw missing(pattern.prefix, at: 0)
        }
        for (index, part) in pattern.parts.enumerated() {
            guard !part.delimiter.isEmpty else {
                values[index] = start..<end
                break
            }
            guard let found = bytes.firstIndex(of: part.delimiter, in: start..<end) else {
                throw missing(part.delimiter, at: start)
            }
            values[index] = start..<found
            start = found + part.delimiter.count
            guard part.isPadded else { continue }
            while start + part.delimiter.count <= end,
                bytes.equals(part.delimiter, start..<start + part.delimiter.count)
            {
                start += part.delimiter.count
            }
        }
    }

    private func missing(_ delimiter: [UInt8], at offset: Int) -> FilterFailure {
        let text = String(decoding: delimiter, as: UTF8.self)
        return FilterFailure(.dissect, "\(plan.field.text) has no \"\(text)\" from byte \(offset) on")
    }

    private func write(_ bytes: RawSpan, _ record: Record) throws(FilterFailure) {
        var unconvertible: Int?
        for (index, part) in pattern.parts.enumerated() {
            switch part.use {
            case .field(let field) where !pattern.joined.contains(where: { $0.field == field }):
                let isWhole = plan.types[field].write(
                    bytes,
                    values[index],
                    to: try record.slot(pattern.fields[field]),
                    of: record
                )
                if !isWhole { unconvertible = unconvertible ?? field }
            case .name(let key): names[key] = values[index]
            case .skip, .field, .append, .value: break
            }
        }
        for (field, parts) in pattern.joined {
            join(parts, bytes)
            let node = try record.slot(pattern.fields[field])
            let isWhole = joined.withSpan {
                plan.types[field].write($0, 0..<$0.byteCount, to: node, of: record)
            }
            if !isWhole { unconvertible = unconvertible ?? field }
        }
        try writeNamed(bytes, record)
        if let unconvertible {
            throw FilterFailure(
                .convert,
                "\(pattern.fields[unconvertible].text) has another type than it should"
            )
        }
    }

    /// Puts the parts of a field together.
    private func join(_ parts: [Int], _ bytes: RawSpan) {
        joined.removeAll()
        joined.shrink(to: Self.keptBytes)
        for (place, part) in parts.enumerated() {
            if place > 0 { joined.append(plan.separator ?? delimiter(inFrontOf: part)) }
            joined.append(bytes, values[part])
        }
    }

    /// The text that stood in front of a part; behind it for the first.
    private func delimiter(inFrontOf part: Int) -> [UInt8] {
        pattern.parts[part > 0 ? part - 1 : 0].delimiter
    }

    /// Writes the fields whose names stand in the text itself.
    private func writeNamed(_ bytes: RawSpan, _ record: Record) throws(FilterFailure) {
        for (index, part) in pattern.parts.enumerated() {
            guard case .value(let key) = part.use, !names[key].isEmpty else { continue }
            guard let node = try record.namedField(bytes, names[key]) else { continue }
            record.replace(node, text: bytes, values[index])
        }
    }
}
