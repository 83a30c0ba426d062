import Common
import Glibc

/// The buckets of a histogram as the store's histogram type has them: one value for each, ascending, and its count.
///
/// Buckets without observations are left out.
struct OTLPBuckets {
    private(set) var values: [Double] = []
    private(set) var counts: [UInt64] = []

    /// Reads a histogram with explicit bounds: n bounds, n + 1 counts.
    ///
    /// A bucket's value is its middle; that of the first, which has no lower bound, half its bound (the bound itself if
    /// that is not positive), that of the last the bound below it. Without buckets there is one, at the mean.
    ///
    /// - Returns: false when the point makes no sense.
    mutating func read(histogram point: OTLPPoint, _ bytes: RawSpan) -> Bool {
        removeAll()
        var bounds = OTLPNumbers(7, of: point.range, isFixed: true)
        var bucketCounts = OTLPNumbers(6, of: point.range, isFixed: true)
        var lower = bounds.next(bytes).map { Double(bitPattern: $0) }
        guard let first = lower else { return addMean(of: point) }
        guard let count = bucketCounts.next(bytes), add(first > 0 ? first / 2 : first, count) else {
            return false
        }
        while let bound = lower {
            let upper = bounds.next(bytes).map { Double(bitPattern: $0) }
            guard let count = bucketCounts.next(bytes) else { return false }
            guard add(upper.map { bound + ($0 - bound) / 2 } ?? bound, count) else { return false }
            lower = upper
        }
        return bucketCounts.next(bytes) == nil
    }

    /// Reads an exponential histogram: bucket i goes from base^i to base^(i + 1), base being 2^(2^-scale).
    ///
    /// A bucket's value is its middle.
    ///
    /// - Returns: false when the point makes no sense.
    mutating func read(exponential point: OTLPPoint, _ bytes: RawSpan) -> Bool {
        removeAll()
        var scale: Int64 = 0
        var zeroCount: UInt64 = 0
        var positive: Range<Int> = 0..<0
        var negative: Range<Int> = 0..<0
        var reader = ProtobufReader(point.range)
        while let field = reader.field(bytes) {
            switch field.number {
            case 6: scale = field.zigzag
            case 7: zeroCount = field.bits
            case 8: positive = field.range
            case 9: negative = field.range
            default: break
            }
        }
        guard Self.scales.contains(scale) else { return false }
        guard addExponential(negative, scale, bytes) else { return false }
        for index in values.indices { values[index].negate() }
        values.reverse()
        counts.reverse()
        guard add(0, zeroCount), addExponential(positive, scale, bytes) else { return false }
        return zip(values, values.dropFirst()).allSatisfy { $0 < $1 }
    }

    /// What SDKs use is -10 to 20; much beyond, all numbers are in one bucket or each in its own.
    private static let scales = Int64(-16)...Int64(32)

    /// Buckets with observations: SDKs stop at 160, and a document must not grow without bound.
    private static let maxBuckets = 8192

    private mutating func addExponential(_ buckets: Range<Int>, _ scale: Int64, _ bytes: RawSpan) -> Bool {
        var offset: Int64 = 0
        var reader = ProtobufReader(buckets)
        while let field = reader.field(bytes) {
            if field.number == 1 { offset = field.zigzag }
        }
        // Base-2 logarithm of the ratio of two bounds.
        let step = exp2(Double(-scale))
        var index = Double(offset)
        var numbers = OTLPNumbers(2, of: buckets, isFixed: false)
        while let count = numbers.next(bytes) {
            if count > 0 {
                guard values.count < Self.maxBuckets else { return false }
                let (lower, upper) = (exp2(index * step), exp2((index + 1) * step))
                values.append(Swift.min(lower / 2 + upper / 2, .greatestFiniteMagnitude))
                counts.append(count)
            }
            index += 1
        }
        return true
    }

    private mutating func addMean(of point: OTLPPoint) -> Bool {
        guard point.count > 0 else { return true }
        guard let sum = point.sum else { return false }
        return add(sum / Double(point.count), point.count)
    }

    private mutating func add(_ value: Double, _ count: UInt64) -> Bool {
        guard value.isFinite else { return false }
        guard count > 0 else { return true }
        guard values.count < Self.maxBuckets, values.last.map({ $0 < value }) ?? true else { return false }
        values.append(value)
        counts.append(count)
        return true
    }

    private mutating func removeAll() {
        values.removeAll(keepingCapacity: true)
        counts.removeAll(keepingCapacity: true)
    }
}
