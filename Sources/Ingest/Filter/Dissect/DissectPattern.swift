import Common

/// A text with fields between delimiters: `%{time} %{+time} [%{level->}] %{?skipped} %{rest}`.
///
///     %{name}      the text up to the next delimiter     %{}, %{?name}   skipped
///     %{+name}     put behind the other parts of it       %{+name/2}      in the order of the numbers
///     %{name->}    the delimiter may be repeated          %{&key}, %{*key} and %{&key}   named by the text of %{?key} or %{*key}
struct DissectPattern: Sendable {
    /// What becomes of the text in front of a delimiter.
    enum Use: Equatable, Sendable {
        case skip
        case field(Int)
        /// - Parameters:
        ///   - field: index in `fields`.
        ///   - order: place among the parts of the field.
        case append(field: Int, order: Int)
        /// The name of a field, which `value` with the same key fills.
        case name(key: Int)
        case value(key: Int)
    }

    struct Part: Equatable, Sendable {
        let use: Use
        /// Text behind it; empty for the last.
        let delimiter: [UInt8]
        /// Whether the delimiter may stand there many times.
        let isPadded: Bool
    }

    /// More make no sense in one line.
    static let maxParts = 1000

    /// Text in front of the first part.
    let prefix: [UInt8]
    let parts: [Part]
    let fields: [FieldPath]
    /// How many keys of names there are.
    let keyCount: Int
    /// For each field that is put together, the parts of it in their order.
    let joined: [(field: Int, parts: [Int])]

    /// - Throws: what is wrong with it.
    init(_ pattern: String) throws(PatternError) {
        var reader = Reader(rest: pattern[...])
        prefix = try reader.text()
        var parts: [Part] = []
        while let reference = try reader.reference() {
            let (use, isPadded) = try reader.use(reference)
            let delimiter = try reader.text()
            guard !delimiter.isEmpty || reader.rest.isEmpty else {
                throw PatternError(reason: "there is no text between %{\(reference)} and what follows it")
            }
            parts.append(Part(use: use, delimiter: delimiter, isPadded: isPadded))
        }
        guard !parts.isEmpty else { throw PatternError(reason: "has no field; write '%{field} %{another}'") }
        guard parts.count <= Self.maxParts else {
            throw PatternError(reason: "has more than \(Self.maxParts) fields")
        }
        self.parts = parts
        fields = reader.fields
        keyCount = reader.keys.count
        joined = try Self.joined(parts, fields)
        try Self.check(parts, keys: reader.keys)
    }

    private static func joined(_ parts: [Part], _ fields: [FieldPath]) throws(PatternError) -> [(Int, [Int])]
    {
        var joined: [(field: Int, parts: [Int])] = []
        for field in fields.indices {
            var orders: [(order: Int, part: Int)] = []
            var plain = 0
            for (index, part) in parts.enumerated() {
                switch part.use {
                case .field(field):
                    plain += 1
                    orders.append((0, index))
                case .append(field, let order): orders.append((order, index))
                default: break
                }
            }
            guard plain < 2 else {
                throw PatternError(
                    reason: "%{\(fields[field].text)} stands in it twice; write %{+\(fields[field].text)}"
                )
            }
            guard orders.count > plain else { continue }
            orders.sort { ($0.order, $0.part) < ($1.order, $1.part) }
            joined.append((field, orders.map(\.part)))
        }
        return joined
    }

    private static func check(_ parts: [Part], keys: [String]) throws(PatternError) {
        for (key, name) in keys.enumerated() {
            let hasName = parts.contains { $0.use == .name(key: key) }
            let hasValue = parts.contains { $0.use == .value(key: key) }
            guard hasName || !hasValue else {
                throw PatternError(
                    reason: "%{&\(name)} needs %{?\(name)} or %{*\(name)}, whose text is its name"
                )
            }
        }
    }

    private struct Reader {
        var rest: Substring
        var fields: [FieldPath] = []
        var keys: [String] = []

        /// The text in front of the next reference.
        mutating func text() throws(PatternError) -> [UInt8] {
            let end = rest.firstRange(of: "%{")?.lowerBound ?? rest.endIndex
            defer { rest = rest[end...] }
            return Array(rest[..<end].utf8)
        }

        /// What stands in the reference that comes next.
        mutating func reference() throws(PatternError) -> String? {
            guard !rest.isEmpty else { return nil }
            guard let close = rest.firstIndex(of: "}") else {
                throw PatternError(reason: "\"%{\" is not closed by \"}\"")
            }
            defer { rest = rest[rest.index(after: close)...] }
            return String(rest[rest.startIndex..<close].dropFirst(2))
        }

        mutating func use(_ reference: String) throws(PatternError) -> (use: Use, isPadded: Bool) {
            var name = reference[...]
            let isPadded = name.hasSuffix("->")
            if isPadded { name = name.dropLast(2) }
            guard let first = name.first else { return (.skip, isPadded) }
            switch first {
            case "?":
                // The key of a field, where one asks for it; `check` does not mind a name that nobody uses.
                let key = name.dropFirst()
                return (key.isEmpty ? .skip : .name(key: number(of: key)), isPadded)
            case "*": return (.name(key: number(of: name.dropFirst())), isPadded)
            case "&": return (.value(key: number(of: name.dropFirst())), isPadded)
            case "+":
                name = name.dropFirst()
                var order = 0
                if let slash = name.lastIndex(of: "/") {
                    guard let number = Int(name[name.index(after: slash)...]),
                        (0...Self.maxOrder).contains(number)
                    else {
                        throw PatternError(reason: "%{\(reference)}: a number stands behind \"/\"")
                    }
                    (order, name) = (number, name[..<slash])
                }
                return (.append(field: try field(name), order: order), isPadded)
            default: return (.field(try field(name)), isPadded)
            }
        }

        private static let maxOrder = 1_000_000

        private mutating func number(of key: Substring) -> Int {
            if let known = keys.firstIndex(of: String(key)) { return known }
            keys.append(String(key))
            return keys.count - 1
        }

        private mutating func field(_ name: Substring) throws(PatternError) -> Int {
            guard let path = FieldPath(String(name)) else {
                throw PatternError(reason: "%{\(name)} names no field; write %{http.request.method}")
            }
            if let known = fields.firstIndex(of: path) { return known }
            fields.append(path)
            return fields.count - 1
        }
    }
}
