/// `COMMAND --name value …`.
struct Arguments {
    let command: String
    private var values: [String: String] = [:]

    init(_ words: ArraySlice<String>) throws(BenchError) {
        command = words.first ?? ""
        var rest = words.dropFirst()
        while let name = rest.popFirst() {
            guard name.hasPrefix("--"), let value = rest.popFirst() else {
                throw BenchError("\(name) needs a value")
            }
            values[String(name.dropFirst(2))] = value
        }
    }

    func text(_ name: String) throws(BenchError) -> String {
        guard let value = values[name] else { throw BenchError("--\(name) is missing") }
        return value
    }

    func number(_ name: String, default fallback: Int? = nil) throws(BenchError) -> Int {
        guard let text = values[name] else {
            if let fallback { return fallback }
            throw BenchError("--\(name) is missing")
        }
        guard let value = Int(text), value >= 0 else { throw BenchError("--\(name) must be a number") }
        return value
    }
}
