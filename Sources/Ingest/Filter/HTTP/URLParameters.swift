import Common

/// Sets `url.params.NAME` for the query parameters that a pipeline lists (`url_params`).
///
/// Only those: any name that a client makes up would be a new field of the index.
final class URLParameters {
    /// Most names in a configuration.
    static let maxNames = 64
    /// Longest name.
    static let maxNameBytes = 64
    /// Parameters of one query that are looked at; others are left out.
    private static let maxParameters = 256
    /// Values of one name in one query that are kept.
    private static let maxValues = 16
    /// Longer values are cut, at a character.
    private static let maxValueBytes = 1024

    private let names: [[UInt8]]
    private let fields: [FieldID]
    /// Values found so far, for each name.
    private var counts: [Int]
    private var decoded = ByteBuffer()

    /// - Parameter table: made with the fields of `names`.
    init(_ names: [String], table: FieldTable) {
        let known = names.compactMap { name in
            table.id(named: Self.field(name)).map { (Array(name.utf8), $0) }
        }
        self.names = known.map(\.0)
        fields = known.map(\.1)
        counts = Array(repeating: 0, count: known.count)
    }

    static func field(_ name: String) -> String { "url.params.\(name)" }

    /// Why a name cannot be listed; nil when it can.
    static func problem(with name: String) -> String? {
        if name.isEmpty { return "a name is empty; write the name of a parameter, such as q" }
        if name.utf8.count > maxNameBytes {
            return "\"\(name.prefix(20))…\" is longer than \(maxNameBytes) bytes; leave it out"
        }
        let isPlain = name.utf8.allSatisfy { byte in
            byte &- 48 < 10 || (byte | 0x20) &- 97 < 26 || [0x2D, 0x5F, 0x5B, 0x5D].contains(byte)
        }
        return isPlain ? nil : "\"\(name)\" has other characters than letters, digits, - _ [ ]; leave it out"
    }

    /// Sets the fields of a query, which is still encoded.
    func apply(_ query: Range<Int>, _ line: RawSpan, _ event: inout Event) {
        for index in counts.indices { counts[index] = 0 }
        var start = query.lowerBound
        for _ in 0..<Self.maxParameters where start < query.upperBound {
            let end = line.firstIndex(of: UInt8(ascii: "&"), in: start..<query.upperBound) ?? query.upperBound
            take(start..<end, line, &event)
            start = end + 1
        }
        decoded.shrink(to: 64 << 10)
    }

    private func take(_ parameter: Range<Int>, _ line: RawSpan, _ event: inout Event) {
        let equals = line.firstIndex(of: UInt8(ascii: "="), in: parameter) ?? parameter.upperBound
        let name = parameter.lowerBound..<equals
        // Each letter may be written as three.
        guard !name.isEmpty, name.count <= Self.maxNameBytes * 3 else { return }
        decoded.removeAll()
        decoded.append(formDecoded: line, name)
        guard let index = names.firstIndex(where: { name in decoded.withSpan { $0.equals(name) } }),
            counts[index] < Self.maxValues
        else { return }
        decoded.removeAll()
        let value = min(equals + 1, parameter.upperBound)..<parameter.upperBound
        decoded.append(formDecoded: line, value.prefix(Self.maxValueBytes * 3))
        set(index, &event)
    }

    /// Adds the value in `decoded`: the first alone, more as a list.
    private func set(_ index: Int, _ event: inout Event) {
        let field = fields[index]
        let old = counts[index] > 0 ? event.slot(field)?.range : nil
        let isList = counts[index] > 1
        counts[index] += 1
        let start = event.arena.count
        if let old {
            event.arena.append(UInt8(ascii: "["))
            event.arena.appendCopy(of: isList ? old.lowerBound + 1..<old.upperBound - 1 : old)
            event.arena.append(UInt8(ascii: ","))
        }
        event.arena.append(UInt8(ascii: "\""))
        decoded.withSpan { value in
            event.arena.append(jsonEscaped: value, 0..<value.endOfCharacter(within: Self.maxValueBytes))
        }
        event.arena.append(UInt8(ascii: "\""))
        if old != nil { event.arena.append(UInt8(ascii: "]")) }
        event.set(field, json: start..<event.arena.count, in: .arena)
    }
}

extension ByteBuffer {
    /// Appends a name or value of a query: `+` is a blank, `%HH` a byte.
    fileprivate mutating func append(formDecoded bytes: RawSpan, _ range: Range<Int>) {
        let start = count
        append(percentDecoded: bytes, range)
        guard bytes.firstIndex(of: UInt8(ascii: "+"), in: range) != nil else { return }
        // Of the decoded bytes, only a `+` that was written as such is a blank.
        truncate(to: start)
        var index = range.lowerBound
        while let plus = bytes.firstIndex(of: UInt8(ascii: "+"), in: index..<range.upperBound) {
            append(percentDecoded: bytes, index..<plus)
            append(0x20 as UInt8)
            index = plus + 1
        }
        append(percentDecoded: bytes, index..<range.upperBound)
    }
}

extension RawSpan {
    fileprivate func equals(_ bytes: [UInt8]) -> Bool {
        guard byteCount == bytes.count else { return false }
        for index in 0..<byteCount where self[index] != bytes[index] { return false }
        return true
    }

    /// The end of the last whole character in the first `limit` bytes.
    fileprivate func endOfCharacter(within limit: Int) -> Int {
        guard byteCount > limit else { return byteCount }
        var end = limit
        while end > limit - 4, end > 0, self[end] & 0xC0 == 0x80 { end -= 1 }
        return end
    }
}
