/// Reads the answer to a bulk request from its bytes, item by item, without building a tree.
///
///     {"took":3,"errors":true,"items":[{"create":{"_index":…,"_id":…,"status":409,"error":{"type":…,"reason":…}}}]}
///
/// Unknown members are stepped over, so an answer cut by `filter_path` and a whole one read the same.
package enum BulkResponse {
    /// The part of the answer that `of` needs; anything else would be sent for nothing.
    package static let filterPath = "errors,items.*.status,items.*.error"

    /// Why an answer says nothing about the documents: it is no answer to this request.
    package enum Problem: Error, Equatable, CustomStringConvertible {
        case json(JSONError)
        case noItems
        /// An item without a status.
        case item(Int)
        case itemCount(expected: Int, actual: Int)

        package var description: String {
            switch self {
            case .json(let error): "the answer is not the JSON of a bulk response: \(error)"
            case .noItems: "the answer has no items"
            case .item(let number): "item \(number) of the answer has no status"
            case .itemCount(let expected, let actual):
                "the answer has \(actual) items for \(expected) documents"
            }
        }
    }

    /// What the store says about one document; the ranges point into the answer.
    package struct Item: Equatable, Sendable {
        package var status = 0
        package var type: JSONReader.Text?
        package var reason: JSONReader.Text?
        /// `error.caused_by.reason`: often the part that helps.
        package var cause: JSONReader.Text?

        package init() {}
    }

    /// Calls `visit` for each item, in the order of the request.
    ///
    /// The answer is checked as a whole first: nothing is visited when it is broken or answers another number of
    /// documents than `count`.
    package static func read(
        _ bytes: RawSpan,
        documents count: Int,
        _ visit: (_ number: Int, Item) -> Void
    ) throws(Problem) {
        let found = try scan(bytes) { _, _ in }
        guard found == count else { throw .itemCount(expected: count, actual: found) }
        _ = try scan(bytes, visit)
    }

    private static func scan(_ bytes: RawSpan, _ visit: (Int, Item) -> Void) throws(Problem) -> Int {
        do {
            var reader = JSONReader()
            var number: Int?
            var isFirst = true
            try reader.beginObject(bytes)
            while let key = try reader.nextKey(bytes, isFirst: &isFirst) {
                guard bytes.equals("items", key.range) else {
                    _ = try reader.value(bytes)
                    continue
                }
                var count = 0
                var isFirstItem = true
                try reader.beginArray(bytes)
                while try reader.nextElement(bytes, isFirst: &isFirstItem) {
                    let item = try item(bytes, &reader)
                    guard item.status > 0 else { throw Problem.item(count) }
                    visit(count, item)
                    count += 1
                }
                number = count
            }
            try reader.end(bytes)
            guard let number else { throw Problem.noItems }
            return number
        } catch let error as JSONError {
            throw .json(error)
        } catch let problem as Problem {
            throw problem
        } catch {
            fatalError("bulk response: unexpected \(error)")
        }
    }

    /// `{"create":{…}}`: the one member is the answer, whatever the action is called.
    private static func item(_ bytes: RawSpan, _ reader: inout JSONReader) throws(JSONError) -> Item {
        var item = Item()
        var isFirst = true
        try reader.beginObject(bytes)
        while try reader.nextKey(bytes, isFirst: &isFirst) != nil {
            var isFirstMember = true
            try reader.beginObject(bytes)
            while let key = try reader.nextKey(bytes, isFirst: &isFirstMember) {
                if bytes.equals("status", key.range) {
                    item.status = Int(Decimal.integer(bytes, try reader.value(bytes)) ?? 0)
                } else if bytes.equals("error", key.range) {
                    try error(bytes, &reader, &item)
                } else {
                    _ = try reader.value(bytes)
                }
            }
        }
        return item
    }

    /// The error object; a plain text, as some proxies and old versions answer, counts as the reason.
    private static func error(
        _ bytes: RawSpan,
        _ reader: inout JSONReader,
        _ item: inout Item
    ) throws(JSONError) {
        switch try reader.kind(bytes) {
        case .string: item.reason = try reader.string(bytes)
        case .object:
            var isFirst = true
            try reader.beginObject(bytes)
            while let key = try reader.nextKey(bytes, isFirst: &isFirst) {
                if bytes.equals("type", key.range) {
                    item.type = try text(bytes, &reader)
                } else if bytes.equals("reason", key.range) {
                    item.reason = try text(bytes, &reader)
                } else if bytes.equals("caused_by", key.range) {
                    item.cause = try cause(bytes, &reader)
                } else {
                    _ = try reader.value(bytes)
                }
            }
        default: _ = try reader.value(bytes)
        }
    }

    private static func cause(
        _ bytes: RawSpan,
        _ reader: inout JSONReader
    ) throws(JSONError) -> JSONReader.Text? {
        guard try reader.kind(bytes) == .object else {
            _ = try reader.value(bytes)
            return nil
        }
        var reason: JSONReader.Text?
        var isFirst = true
        try reader.beginObject(bytes)
        while let key = try reader.nextKey(bytes, isFirst: &isFirst) {
            if bytes.equals("reason", key.range) {
                reason = try text(bytes, &reader)
            } else {
                _ = try reader.value(bytes)
            }
        }
        return reason
    }

    /// A text, or nil for any other value.
    private static func text(
        _ bytes: RawSpan,
        _ reader: inout JSONReader
    ) throws(JSONError) -> JSONReader.Text? {
        if try reader.kind(bytes) == .string { return try reader.string(bytes) }
        _ = try reader.value(bytes)
        return nil
    }
}
