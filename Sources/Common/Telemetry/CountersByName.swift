import Glibc

/// The counters of a metric whose label comes from outside, such as the name of a service.
///
/// One per thread, so that counting takes no lock; the counters themselves are shared. Names beyond
/// `Metrics.maxSeriesPerName` are counted as `other`.
package struct CountersByName {
    /// Longer names are cut: they only tell series apart.
    private static let maxNameBytes = 200

    private let metrics: Metrics
    private let name: String
    private let help: String
    private let label: String
    private var counters: [[UInt8]: Counter] = [:]
    /// What was counted last, because the same comes again and again.
    private var last: (name: [UInt8], counter: Counter)?

    package init(_ metrics: Metrics, _ name: String, _ help: String, label: String) {
        self.metrics = metrics
        self.name = name
        self.help = help
        self.label = label
    }

    /// Counts for the label value that stands in `range` of `bytes`.
    package mutating func add(_ amount: Int, _ bytes: RawSpan, _ range: Range<Int>) {
        if let last, Self.equal(last.name, bytes, range) {
            last.counter.add(amount)
            return
        }
        let bytes = bytes.withUnsafeBytes { Array($0[range].prefix(Self.maxNameBytes)) }
        let counter = counters[bytes] ?? register(bytes)
        counter.add(amount)
        last = (bytes, counter)
    }

    private mutating func register(_ bytes: [UInt8]) -> Counter {
        let isFull = counters.count >= Metrics.maxSeriesPerName
        let value = isFull ? "other" : String(decoding: bytes, as: UTF8.self)
        let counter = metrics.counter(name, help, [(label, value)])
        if !isFull { counters[bytes] = counter }
        return counter
    }

    private static func equal(_ name: [UInt8], _ bytes: RawSpan, _ range: Range<Int>) -> Bool {
        guard name.count == range.count else { return false }
        return bytes.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return true }
            return memcmp(name, base + range.lowerBound, range.count) == 0
        }
    }
}
