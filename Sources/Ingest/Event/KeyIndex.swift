import Common

/// Finds names by their bytes: a sorted list, built once, for the members of lines that are JSON.
struct KeyIndex: Sendable {
    private let keys: [(name: [UInt8], value: Int)]

    /// - Parameter names: each name with what it stands for; names are unlike each other.
    init(_ names: [(String, Int)]) {
        keys = names.map { (Array($0.0.utf8), $0.1) }.sorted { Self.precedes($0.name, $1.name) }
    }

    /// What the name in `bytes[range]` stands for; nil for one that is not listed.
    func value(_ bytes: RawSpan, _ range: Range<Int>) -> Int? {
        var low = 0
        var high = keys.count
        while low < high {
            let middle = (low + high) / 2
            let order = Self.compare(keys[middle].name, bytes, range)
            if order == 0 { return keys[middle].value }
            if order < 0 { low = middle + 1 } else { high = middle }
        }
        return nil
    }

    private static func precedes(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        compare(left, right.span.bytes, 0..<right.count) < 0
    }

    /// By length first, which tells most names apart at once.
    private static func compare(_ name: [UInt8], _ bytes: RawSpan, _ range: Range<Int>) -> Int {
        guard name.count == range.count else { return name.count < range.count ? -1 : 1 }
        for distance in 0..<name.count where name[distance] != bytes[range.lowerBound + distance] {
            return name[distance] < bytes[range.lowerBound + distance] ? -1 : 1
        }
        return 0
    }
}
