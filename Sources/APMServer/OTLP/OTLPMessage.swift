import Common

/// The messages of OTLP that are read, and which of their fields.
///
/// Fields that are not listed are skipped, as unknown ones must be: schema URLs, exemplars, dropped counts and so on
/// have no place in the documents. Source: opentelemetry-proto 1.x.
enum OTLPMessage: Int, CaseIterable, Sendable {
    case exportTraces, exportMetrics, exportLogs
    case resourceSpans, scopeSpans, span, spanEvent, link, status
    case resourceMetrics, scopeMetrics, metric, gauge, sum, histogram, exponentialHistogram, summary
    case numberPoint, histogramPoint, exponentialPoint, buckets, summaryPoint
    case resourceLogs, scopeLogs, logRecord
    case resource, scope, keyValue, anyValue, arrayValue, keyValueList

    /// Messages inside messages: seven down to an attribute's value, then two or three for each list or map in it.
    ///
    /// Protobuf's own libraries stop at 100.
    static let maxDepth = 64

    struct Field: Sendable {
        let number: Int
        /// In JSON, lowerCamelCase.
        let name: StaticString
        let kind: Kind
    }

    enum Kind: Equatable, Sendable {
        case message(OTLPMessage)
        case string, bytes
        /// Bytes that JSON writes in hexadecimal.
        case id
        case bool, enumeration, int, zigzag, fixed32, fixed64, double
        /// Lists of numbers, packed or not.
        case fixed64List, doubleList, varintList

        var wireType: ProtobufField.WireType {
            switch self {
            case .message, .string, .bytes, .id: .bytes
            case .bool, .enumeration, .int, .zigzag, .varintList: .varint
            case .fixed32: .fixed32
            case .fixed64, .double, .fixed64List, .doubleList: .fixed64
            }
        }

        var isPackable: Bool { self == .fixed64List || self == .doubleList || self == .varintList }
    }

    var fields: [Field] { Self.table[rawValue] }

    /// The field of that number; nil for one that is not read.
    @inline(__always)
    func field(_ number: Int) -> Field? {
        for field in Self.table[rawValue] where field.number == number { return field }
        return nil
    }

    private static let table: [[Field]] = allCases.map { message in
        message.definition.map { Field(number: $0.0, name: $0.1, kind: $0.2) }
    }

    private var definition: [(Int, StaticString, Kind)] {
        switch self {
        case .exportTraces: [(1, "resourceSpans", .message(.resourceSpans))]
        case .exportMetrics: [(1, "resourceMetrics", .message(.resourceMetrics))]
        case .exportLogs: [(1, "resourceLogs", .message(.resourceLogs))]
        case .resourceSpans: [(1, "resource", .message(.resource)), (2, "scopeSpans", .message(.scopeSpans))]
        case .resourceMetrics:
            [(1, "resource", .message(.resource)), (2, "scopeMetrics", .message(.scopeMetrics))]
        case .resourceLogs: [(1, "resource", .message(.resource)), (2, "scopeLogs", .message(.scopeLogs))]
        case .scopeSpans: [(1, "scope", .message(.scope)), (2, "spans", .message(.span))]
        case .scopeMetrics: [(1, "scope", .message(.scope)), (2, "metrics", .message(.metric))]
        case .scopeLogs: [(1, "scope", .message(.scope)), (2, "logRecords", .message(.logRecord))]
        case .span, .spanEvent, .link, .status, .logRecord: eventDefinition
        case .metric, .gauge, .sum, .histogram, .exponentialHistogram, .summary, .numberPoint,
            .histogramPoint,
            .exponentialPoint, .buckets, .summaryPoint:
            metricDefinition
        case .resource: [(1, "attributes", .message(.keyValue))]
        case .scope: [(1, "name", .string), (2, "version", .string)]
        case .keyValue: [(1, "key", .string), (2, "value", .message(.anyValue))]
        case .anyValue:
            [
                (1, "stringValue", .string), (2, "boolValue", .bool), (3, "intValue", .int),
                (4, "doubleValue", .double), (5, "arrayValue", .message(.arrayValue)),
                (6, "kvlistValue", .message(.keyValueList)), (7, "bytesValue", .bytes),
            ]
        case .arrayValue: [(1, "values", .message(.anyValue))]
        case .keyValueList: [(1, "values", .message(.keyValue))]
        }
    }

    private var eventDefinition: [(Int, StaticString, Kind)] {
        switch self {
        case .span:
            [
                (1, "traceId", .id), (2, "spanId", .id), (3, "traceState", .string), (4, "parentSpanId", .id),
                (5, "name", .string), (6, "kind", .enumeration), (7, "startTimeUnixNano", .fixed64),
                (8, "endTimeUnixNano", .fixed64), (9, "attributes", .message(.keyValue)),
                (11, "events", .message(.spanEvent)), (13, "links", .message(.link)),
                (15, "status", .message(.status)),
            ]
        case .spanEvent:
            [(1, "timeUnixNano", .fixed64), (2, "name", .string), (3, "attributes", .message(.keyValue))]
        case .link: [(1, "traceId", .id), (2, "spanId", .id)]
        case .status: [(3, "code", .enumeration)]
        case .logRecord:
            [
                (1, "timeUnixNano", .fixed64), (2, "severityNumber", .enumeration),
                (3, "severityText", .string),
                (5, "body", .message(.anyValue)), (6, "attributes", .message(.keyValue)), (9, "traceId", .id),
                (10, "spanId", .id), (11, "observedTimeUnixNano", .fixed64), (12, "eventName", .string),
            ]
        default: []
        }
    }

    private var metricDefinition: [(Int, StaticString, Kind)] {
        switch self {
        case .metric:
            [
                (1, "name", .string), (3, "unit", .string), (5, "gauge", .message(.gauge)),
                (7, "sum", .message(.sum)), (9, "histogram", .message(.histogram)),
                (10, "exponentialHistogram", .message(.exponentialHistogram)),
                (11, "summary", .message(.summary)),
            ]
        case .gauge: [(1, "dataPoints", .message(.numberPoint))]
        case .sum: [(1, "dataPoints", .message(.numberPoint)), (3, "isMonotonic", .bool)]
        case .histogram: [(1, "dataPoints", .message(.histogramPoint))]
        case .exponentialHistogram: [(1, "dataPoints", .message(.exponentialPoint))]
        case .summary: [(1, "dataPoints", .message(.summaryPoint))]
        case .numberPoint:
            [
                (3, "timeUnixNano", .fixed64), (4, "asDouble", .double), (6, "asInt", .fixed64),
                (7, "attributes", .message(.keyValue)), (8, "flags", .int),
            ]
        case .histogramPoint:
            [
                (3, "timeUnixNano", .fixed64), (4, "count", .fixed64), (5, "sum", .double),
                (6, "bucketCounts", .fixed64List), (7, "explicitBounds", .doubleList),
                (9, "attributes", .message(.keyValue)), (10, "flags", .int),
            ]
        case .exponentialPoint:
            [
                (1, "attributes", .message(.keyValue)), (3, "timeUnixNano", .fixed64), (4, "count", .fixed64),
                (5, "sum", .double), (6, "scale", .zigzag), (7, "zeroCount", .fixed64),
                (8, "positive", .message(.buckets)), (9, "negative", .message(.buckets)), (10, "flags", .int),
            ]
        case .buckets: [(1, "offset", .zigzag), (2, "bucketCounts", .varintList)]
        case .summaryPoint:
            [
                (3, "timeUnixNano", .fixed64), (4, "count", .fixed64), (5, "sum", .double),
                (7, "attributes", .message(.keyValue)), (8, "flags", .int),
            ]
        default: []
        }
    }
}
