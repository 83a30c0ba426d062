import Common

/// Makes fields of the values of a row.
///
///     - csv:
///         field: message
///         columns: [order.id, order.total, customer.name]
///         separator: ';'
///         convert: {order.total: float}
struct CSVPlan: FilterPlan {
    fileprivate let field: FieldPath
    fileprivate let columns: [FieldPath]
    /// The names as they are written, which a heading repeats.
    fileprivate let names: [[UInt8]]
    fileprivate let types: [CaptureType]
    fileprivate let separator: [UInt8]
    fileprivate let quote: UInt8?
    fileprivate let target: [UInt8]
    fileprivate let skipsHeader: Bool
    fileprivate let skipsEmptyColumns: Bool
    fileprivate let namesOthers: Bool
    fileprivate let trims: Bool
    fileprivate let maxColumns: Int

    init(_ reader: ConfigurationReader) {
        reader.advise("source", "write field: message")
        reader.advise(
            "autodetect_column_names",
            "events come in any order from many files; write columns: [a, b]"
        )
        field = reader.path("field", default: "message")
        let target = reader.path("target")
        let names = reader.strings("columns")
        self.names = names.map { Array($0.utf8) }
        let paths = names.compactMap { reader.path($0, of: "columns") }
        if names.isEmpty { reader.problem("columns", "is missing; write columns: [first, second]") }
        if Set(paths).count < paths.count { reader.problem("columns", "one of them stands there twice") }
        columns = paths.map { path in target.map { $0.appending(path) } ?? path }
        self.target = target.map { Array("\($0.text).".utf8) } ?? []
        separator = Array(reader.string("separator", default: ",").utf8)
        if separator.isEmpty {
            reader.problem("separator", "is empty; write what stands between values, such as \",\"")
        }
        let quote = Array(reader.string("quote_char", default: "\"").utf8)
        if quote.count > 1 {
            reader.problem("quote_char", "has more than one character; write \"\\\"\", or \"\" for none")
        }
        self.quote = quote.first
        skipsHeader = reader.bool("skip_header", default: false)
        skipsEmptyColumns = reader.bool("skip_empty_columns", default: false)
        namesOthers = reader.bool("autogenerate_column_names", default: true)
        trims = reader.bool("trim", default: false)
        maxColumns = reader.int("max_columns", default: 1000, in: 1...10_000)
        var types = Array(repeating: CaptureType.text, count: columns.count)
        for (path, type) in reader.captureTypes("convert") {
            if let index = paths.firstIndex(of: path) {
                types[index] = type
            } else {
                reader.problem("convert", "\(path.text) is none of the columns")
            }
        }
        self.types = types
    }

    func filter(_ workplace: FilterWorkplace) -> any Filter { CSVFilter(plan: self) }
}

private final class CSVFilter: Filter {
    /// Memory that one huge value may leave behind.
    private static let keptBytes = 64 << 10

    private let plan: CSVPlan
    private var text = ByteBuffer()
    private var value = ByteBuffer()
    private var name = ByteBuffer()

    init(plan: CSVPlan) { self.plan = plan }

    func apply(to record: Record) throws(FilterFailure) -> FilterOutcome {
        guard let node = record.find(plan.field), record.copyText(of: node, into: &text) else {
            throw FilterFailure(.csv, "\(plan.field.text) has no text")
        }
        return try text.withSpan { bytes throws(FilterFailure) in
            let row = try columns(of: bytes)
            if plan.skipsHeader, isHeader(row, bytes) { return .drop }
            try write(row, bytes, record)
            return .next
        }
    }

    private func columns(of bytes: RawSpan) throws(FilterFailure) -> [CSVScanner.Column] {
        var scanner = CSVScanner(0..<bytes.byteCount, separator: plan.separator, quote: plan.quote)
        var row: [CSVScanner.Column] = []
        row.reserveCapacity(plan.columns.count)
        do throws(CSVScanner.Problem) {
            while let column = try scanner.next(bytes), row.count <= plan.maxColumns { row.append(column) }
        } catch {
            throw FilterFailure(.csv, "\(plan.field.text): \(error)")
        }
        guard row.count <= plan.maxColumns else {
            throw FilterFailure(.csv, "\(plan.field.text) has more than \(plan.maxColumns) columns")
        }
        return row
    }

    /// Whether a row says the names of the columns.
    private func isHeader(_ row: [CSVScanner.Column], _ bytes: RawSpan) -> Bool {
        row.count == plan.names.count
            && zip(row, plan.names).allSatisfy { column, name in
                let range = trimmed(bytes, column.range)
                return bytes.equals(name, range)
            }
    }

    private func write(_ row: [CSVScanner.Column], _ bytes: RawSpan, _ record: Record) throws(FilterFailure) {
        var unconvertible: Int?
        for (index, column) in row.enumerated() {
            value.removeAll()
            value.shrink(to: Self.keptBytes)
            if column.hasQuotes, let quote = plan.quote {
                value.append(column, of: bytes, quote: quote)
            } else {
                value.append(bytes, column.isQuoted ? column.range : trimmed(bytes, column.range))
            }
            guard !value.isEmpty || !plan.skipsEmptyColumns,
                index < plan.columns.count || plan.namesOthers,
                let node = try node(index, record)
            else { continue }
            let type = index < plan.columns.count ? plan.types[index] : .text
            // A number that is not there is nothing, not zero.
            if type != .text, value.isEmpty {
                record.replaceWithNull(node)
                continue
            }
            let isWhole = value.withSpan { type.write($0, 0..<$0.byteCount, to: node, of: record) }
            if !isWhole { unconvertible = unconvertible ?? index }
        }
        if let unconvertible {
            throw FilterFailure(
                .convert,
                "\(plan.columns[unconvertible].text) has another type than it should"
            )
        }
    }

    /// Where the value of a column goes: those behind the last name are `column4` and so on.
    private func node(_ index: Int, _ record: Record) throws(FilterFailure) -> Record.Node? {
        if index < plan.columns.count { return try record.slot(plan.columns[index]) }
        name.removeAll()
        name.append(plan.target)
        name.append("column" as StaticString)
        name.append(decimal: Int64(index + 1))
        return try name.withSpan { name throws(FilterFailure) in
            try record.namedField(name, 0..<name.byteCount)
        }
    }

    private func trimmed(_ bytes: RawSpan, _ range: Range<Int>) -> Range<Int> {
        guard plan.trims else { return range }
        var (start, end) = (range.lowerBound, range.upperBound)
        while start < end, bytes[start] == 0x20 || bytes[start] == 0x09 { start += 1 }
        while end > start, bytes[end - 1] == 0x20 || bytes[end - 1] == 0x09 { end -= 1 }
        return start..<end
    }
}
