import Testing

@testable import Ingest

@Suite("Path of a field")
struct FieldPathTests {
    @Test(
        "reads dots and brackets",
        arguments: [
            ("message", ["message"]), ("http.request.method", ["http", "request", "method"]),
            ("[http][request][method]", ["http", "request", "method"]), ("[a.b][c]", ["a.b", "c"]),
            ("@metadata._id", ["@metadata", "_id"]), ("list.0", ["list", "0"]), ("名.é", ["名", "é"]),
        ]
    )
    func reads(_ text: String, keys: [String]) throws {
        #expect(try #require(FieldPath(text)).keys == keys.map { Array($0.utf8) })
    }

    @Test(
        "refuses what names no field",
        arguments: [
            "", ".", "a.", ".a", "a..b", "[", "[]", "[a", "a]", "[a]b", "a[b]", "[a][", "[a][]", "[[a]]",
            Array(repeating: "a", count: 21).joined(separator: "."),
        ]
    )
    func refuses(_ text: String) { #expect(FieldPath(text) == nil) }

    @Test(
        "knows indices of lists",
        arguments: [("a.12", 12), ("a.+5", nil), ("a.-1", nil), ("a.1234567", nil)]
    )
    func indices(_ text: String, index: Int?) throws {
        #expect(try #require(FieldPath(text)).indices.last == .some(index))
    }

    @Test("knows parents and what lies below")
    func relations() throws {
        let path = try #require(FieldPath("a.b.c"))
        let parent = try #require(FieldPath("a.b"))
        #expect(path.parent == parent && parent.appending("c") == path)
        #expect(path.isBelow(parent) && !parent.isBelow(path) && !path.isBelow(path))
        #expect(FieldPath("a")?.parent == nil)
    }
}
