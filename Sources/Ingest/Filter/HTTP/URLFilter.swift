import Common

/// Takes a URL or a request target apart into the fields of ECS.
///
///     - url:
///         field: url.original
///         target: url
///         parameters: [q, utm_source]       become url.params.q and so on
///
/// No text is refused: what no grammar allows stays in the part where it stands. Path, query and parameters are
/// percent-decoded.
struct URLPlan: FilterPlan {
    fileprivate let field: FieldPath
    fileprivate let original: FieldPath?
    fileprivate let keepsOriginal: Bool
    fileprivate let scheme: FieldPath?
    fileprivate let domain: FieldPath?
    fileprivate let port: FieldPath?
    fileprivate let path: FieldPath?
    fileprivate let fileExtension: FieldPath?
    fileprivate let query: FieldPath?
    fileprivate let fragment: FieldPath?
    fileprivate let parameters: [(name: [UInt8], path: FieldPath)]

    init(_ reader: ConfigurationReader) {
        field = reader.path("field", default: "url.original")
        let target = reader.path("target", default: "url")
        keepsOriginal = reader.bool("keep_original", default: true)
        original = target.appending("original")
        scheme = target.appending("scheme")
        domain = target.appending("domain")
        port = target.appending("port")
        path = target.appending("path")
        fileExtension = target.appending("extension")
        query = target.appending("query")
        fragment = target.appending("fragment")
        let params = target.appending("params")
        parameters = reader.strings("parameters").compactMap { name in
            guard !name.isEmpty, let path = params?.appending(name) else {
                reader.problem("parameters", "\"\(name)\" cannot be the name of a field")
                return nil
            }
            return (Array(name.utf8), path)
        }
    }

    func filter(_ workplace: FilterWorkplace) -> any Filter { URLFilter(plan: self) }
}

private final class URLFilter: Filter {
    /// Of a parameter that is given again and again.
    private static let maxValues = 16
    private static let maxValueBytes = 1024

    private let plan: URLPlan
    private var text = ByteBuffer()
    private var decoded = ByteBuffer()

    init(plan: URLPlan) { self.plan = plan }

    func apply(to record: Record) throws(FilterFailure) -> FilterOutcome {
        guard let node = record.find(plan.field), record.kind(of: node) == .text,
            record.copyText(of: node, into: &text), !text.isEmpty
        else { return .next }
        try text.withSpan { text throws(FilterFailure) in
            let parts = URLParts(text, 0..<text.byteCount)
            if plan.keepsOriginal { try set(plan.original, text, 0..<text.byteCount, record) }
            try set(plan.scheme, text, parts.scheme, record)
            try set(plan.domain, text, parts.domain, record)
            if let port = parts.port, let path = plan.port { try record.set(path, integer: port) }
            try set(plan.fragment, text, parts.fragment, record)
            try setDecoded(plan.query, text, parts.query, record)
            try setDecoded(plan.path, text, parts.path, record)
            if parts.path != nil { try setExtension(record) }
            if let query = parts.query { try setParameters(text, query, record) }
        }
        return .next
    }

    private func set(_ path: FieldPath?, _ text: RawSpan, _ range: Range<Int>?, _ record: Record)
        throws(FilterFailure)
    {
        if let path, let range { try record.set(path, text: text, range) }
    }

    private func setDecoded(_ path: FieldPath?, _ text: RawSpan, _ range: Range<Int>?, _ record: Record)
        throws(FilterFailure)
    {
        guard let path, let range else { return }
        decoded.removeAll()
        decoded.append(percentDecoded: text, range)
        try decoded.withSpan { text throws(FilterFailure) in
            try record.set(path, text: text, 0..<text.byteCount)
        }
    }

    /// Sets what stands behind the last point of the path, which is still in `decoded`.
    private func setExtension(_ record: Record) throws(FilterFailure) {
        guard let path = plan.fileExtension else { return }
        try decoded.withSpan { text throws(FilterFailure) in
            var start = text.byteCount
            while start > 0, text[start - 1] != UInt8(ascii: "."), text[start - 1] != UInt8(ascii: "/") {
                start -= 1
            }
            guard start > 0, start < text.byteCount, text[start - 1] == UInt8(ascii: ".") else { return }
            try record.set(path, text: text, start..<text.byteCount)
        }
    }

    private func setParameters(_ text: RawSpan, _ query: Range<Int>, _ record: Record) throws(FilterFailure) {
        guard !plan.parameters.isEmpty else { return }
        var counts = Array(repeating: 0, count: plan.parameters.count)
        var start = query.lowerBound
        while start < query.upperBound {
            let end = text.firstIndex(of: UInt8(ascii: "&"), in: start..<query.upperBound) ?? query.upperBound
            let equals = text.firstIndex(of: UInt8(ascii: "="), in: start..<end) ?? end
            decode(text, start..<equals)
            let index = plan.parameters.firstIndex { parameter in
                decoded.withSpan { $0.equals(parameter.name, 0..<$0.byteCount) }
            }
            if let index, counts[index] < Self.maxValues {
                decode(text, min(equals + 1, end)..<end)
                try add(index, isFirst: counts[index] == 0, record)
                counts[index] += 1
            }
            start = end + 1
        }
    }

    private func add(_ index: Int, isFirst: Bool, _ record: Record) throws(FilterFailure) {
        let path = plan.parameters[index].path
        try decoded.withSpan { value throws(FilterFailure) in
            let range = 0..<value.endOfScalars(upTo: Self.maxValueBytes)
            if isFirst {
                try record.set(path, text: value, range)
            } else {
                try record.append(path, text: value, range)
            }
        }
    }

    /// Fills `decoded` as forms are decoded: a plus is a blank.
    private func decode(_ text: RawSpan, _ range: Range<Int>) {
        decoded.removeAll()
        var start = range.lowerBound
        while let plus = text.firstIndex(of: UInt8(ascii: "+"), in: start..<range.upperBound) {
            decoded.append(percentDecoded: text, start..<plus)
            decoded.append(UInt8(ascii: " "))
            start = plus + 1
        }
        decoded.append(percentDecoded: text, start..<range.upperBound)
    }
}

extension RawSpan {
    /// The most bytes up to a limit that do not cut a character of UTF-8 apart.
    fileprivate func endOfScalars(upTo limit: Int) -> Int {
        guard byteCount > limit else { return byteCount }
        var end = limit
        while end > 0, end > limit - 4, self[end] & 0xC0 == 0x80 { end -= 1 }
        return end
    }
}
