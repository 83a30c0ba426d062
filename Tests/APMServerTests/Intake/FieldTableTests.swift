import Common
import Testing

@testable import APMServer

/// Every name of the specification, with the field that it must end up in.
///
/// Written from the specification and not from the schema.
@Suite("Names and fields")
struct FieldTableTests {
    @Test("every name goes to its field, and to no other", arguments: FieldTable.all)
    func fields(table: FieldTable) throws {
        let line = Array(table.line.utf8)
        var decoder = EventDecoder()
        var fields = EventFields()
        if let kind = table.element {
            let start = try #require(line.firstIndex(of: UInt8(ascii: "{")))
            decoder.element(kind, table.dialect, line.span.bytes, start..<line.count, into: &fields)
        } else {
            try #require(decoder.decode(table.line, into: &fields).message == nil)
        }
        for row in table.rows {
            #expect(fields[row.field].isGiven, "\(row.path)")
            #expect(fields[row.field].string(line.span.bytes) == row.expected, "\(row.path)")
        }
        let given = Field.allCases.filter { fields[$0].isGiven }
        #expect(Set(given) == Set(table.rows.map(\.field)))
        #expect(table.rows.count == table.leaves)
    }
}

/// The names of one object as paths.
struct FieldTable: CustomTestStringConvertible {
    struct Row {
        var path: String
        var json: String
        var field: Field
        var expected: String
    }

    var root: String
    var dialect = Dialect.v2
    var element: ElementKind?
    var rows: [Row]

    var testDescription: String { "\(dialect) \(root)" }

    /// - Parameter rows: lines of a path, a field, and JSON unless the value is to be the path itself as a string.
    init(_ root: String, _ dialect: Dialect = .v2, element: ElementKind? = nil, rows text: String) {
        self.root = root
        self.dialect = dialect
        self.element = element
        rows = text.split(separator: "\n").map { line in
            let parts = line.split(separator: " ", maxSplits: 2).map(String.init)
            let field = Field.allCases.first { "\($0)" == parts[1] } ?? .id
            let json = parts.count > 2 ? parts[2] : "\"\(parts[0])\""
            let isText = json.hasPrefix("\"")
            return Row(
                path: parts[0],
                json: json,
                field: field,
                expected: isText ? String(json.dropFirst().dropLast()) : json
            )
        }
    }

    /// The line that has all of them.
    var line: String {
        let inner = Self.object(rows.map { ($0.path.split(separator: "/").map(String.init), $0.json) })
        return element == nil ? "{\"\(root)\":\(inner)}" : inner
    }

    private static func object(_ members: [(path: [String], json: String)]) -> String {
        var keys: [String] = []
        var inside: [String: [(path: [String], json: String)]] = [:]
        for member in members {
            if inside[member.path[0]] == nil { keys.append(member.path[0]) }
            inside[member.path[0], default: []].append((Array(member.path.dropFirst()), member.json))
        }
        let texts = keys.map { key in
            let members = inside[key] ?? []
            let value = members.first?.path.isEmpty == true ? members[0].json : object(members)
            return "\"\(key)\":\(value)"
        }
        return "{" + texts.joined(separator: ",") + "}"
    }

    /// How many names the schema has at the ends of its paths.
    var leaves: Int {
        if let element { return dialect.schema(of: element).map(Self.leaves) ?? 0 }
        if dialect.metadata.name.description == root { return Self.leaves(dialect.metadata.schema) }
        return dialect.events.first { $0.name.description == root }.map { Self.leaves($0.schema) } ?? 0
    }

    private static func leaves(_ schema: ObjectSchema) -> Int {
        schema.members.reduce(0) { $0 + ($1.object.map(leaves) ?? 1) }
    }
}
