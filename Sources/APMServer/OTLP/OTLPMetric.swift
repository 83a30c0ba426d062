import Common

/// A `Metric` message: what its data points share.
struct OTLPMetric {
    private(set) var name: Range<Int> = 0..<0
    private(set) var unit: Range<Int> = 0..<0
    /// A sum that only grows.
    private(set) var isMonotonic = false
    private(set) var shape = Shape.none
    /// The `Gauge`, `Sum` … message.
    private(set) var data: Range<Int> = 0..<0

    enum Shape { case none, number, histogram, exponentialHistogram, summary }

    init(_ bytes: RawSpan, _ range: Range<Int>) {
        var reader = ProtobufReader(range)
        while let field = reader.field(bytes) {
            switch field.number {
            case 1: name = field.range
            case 3: unit = field.range
            case 5: (shape, data) = (.number, field.range)
            case 7:
                (shape, data) = (.number, field.range)
                isMonotonic = Self.isMonotonic(bytes, field.range)
            case 9: (shape, data) = (.histogram, field.range)
            case 10: (shape, data) = (.exponentialHistogram, field.range)
            case 11: (shape, data) = (.summary, field.range)
            default: break
            }
        }
    }

    private static func isMonotonic(_ bytes: RawSpan, _ sum: Range<Int>) -> Bool {
        var reader = ProtobufReader(sum)
        var answer = false
        while let field = reader.field(bytes) {
            if field.number == 3 { answer = field.bits != 0 }
        }
        return answer
    }

    var points: OTLPElements { OTLPElements(1, of: data) }

    /// The number of the points' field of attributes.
    var attributesField: Int {
        switch shape {
        case .none, .number, .summary: 7
        case .histogram: 9
        case .exponentialHistogram: 1
        }
    }
}

/// A data point of any shape.
struct OTLPPoint {
    enum Value { case none, int(Int64), double(Double) }

    /// Nanoseconds since 1970; 0 when not given.
    private(set) var time: UInt64 = 0
    /// Of number points.
    private(set) var value = Value.none
    /// Of the other shapes.
    private(set) var count: UInt64 = 0
    private(set) var sum: Double?
    /// Whether it only says that the series has ended.
    private(set) var hasNoValue = false
    let range: Range<Int>

    init(_ shape: OTLPMetric.Shape, _ bytes: RawSpan, _ range: Range<Int>) {
        self.range = range
        var reader = ProtobufReader(range)
        while let field = reader.field(bytes) {
            switch (shape, field.number) {
            case (_, 3): time = field.bits
            case (.number, 4): value = .double(field.double)
            case (.number, 6): value = .int(field.int)
            case (_, 4): count = field.bits
            case (.histogram, 5), (.exponentialHistogram, 5), (.summary, 5): sum = field.double
            case (.number, 8), (.summary, 8), (.histogram, 10), (.exponentialHistogram, 10):
                // Source: opentelemetry-proto, `DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK`.
                hasNoValue = field.bits & 1 != 0
            default: break
            }
        }
    }
}
