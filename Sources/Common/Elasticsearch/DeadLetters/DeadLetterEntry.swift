import Glibc

/// What one line of a segment says; the document is a range of the line.
struct DeadLetterEntry {
    private(set) var time: CalendarTime?
    private(set) var status = 0
    /// `error.type`; what was too large has none.
    private(set) var type = ""
    /// `error.reason`, the store's own words.
    private(set) var reason = ""
    private(set) var index = ""
    private(set) var id = ""
    /// The document, when it is a JSON object.
    private(set) var document: Range<Int>?
    /// A stripped document may stand under the same index and id: it is replaced, not met as a duplicate.
    private(set) var hasFallback = false

    /// - Returns: nil when the line is no JSON object.
    init?(_ line: RawSpan) {
        do throws(JSONError) {
            var reader = JSONReader()
            var isFirst = true
            guard try reader.kind(line) == .object else { return nil }
            try reader.beginObject(line)
            while let key = try reader.nextKey(line, isFirst: &isFirst) {
                let name = line.text(key.range)
                let kind = try reader.kind(line)
                let value = try reader.value(line)
                take(name, kind, value, line)
            }
            try reader.end(line)
        } catch {
            return nil
        }
    }

    /// What the store refused it for, in one word if it has one.
    var shortReason: String {
        type.isEmpty ? (status == 413 ? "too_large" : "status_\(status)") : type
    }

    private mutating func take(_ name: String, _ kind: JSONReader.Kind, _ value: Range<Int>, _ line: RawSpan)
    {
        let json = line.extracting(value)
        switch (name, kind) {
        case ("@timestamp", .string):
            time = CalendarTime.parse(iso8601: line, value.lowerBound + 1..<value.upperBound - 1)
        case ("status", .number): status = Int(Decimal.integer(line, value) ?? 0)
        case ("error", .object):
            type = JSONLookup.text(json, ["type"]) ?? ""
            reason = JSONLookup.text(json, ["reason"]) ?? ""
        case ("index", .string): index = JSONLookup.text(json, []) ?? ""
        case ("id", .string): id = JSONLookup.text(json, []) ?? ""
        case ("document", .object): document = value
        case ("fallback", .bool): hasFallback = line[value.lowerBound] == UInt8(ascii: "t")
        default: break
        }
    }
}

/// Which letters a command is about; without a criterion all of them.
struct DeadLetterFilter {
    /// Part of the error's type or of its reason.
    var reason: String?
    /// Name of the index, with `*` and `?`.
    var index: String?
    /// Written before this moment.
    var olderThan: CalendarTime?

    var isEmpty: Bool { reason == nil && index == nil && olderThan == nil }

    func matches(_ entry: DeadLetterEntry) -> Bool {
        if let reason, !entry.shortReason.contains(reason), !entry.reason.contains(reason) { return false }
        if let index, fnmatch(index, entry.index, 0) != 0 { return false }
        if let olderThan {
            guard let time = entry.time, time < olderThan else { return false }
        }
        return true
    }
}
