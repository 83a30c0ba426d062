import Common
import Testing

@testable import APMServer

@Suite("OTLP metrics")
struct OTLPMetricTests {
    private static let time = #""timeUnixNano":"1544712660300000999""#

    private static func gauge(_ name: String, _ point: String) -> String {
        #"{"name":"\#(name)","gauge":{"dataPoints":[{\#(time),\#(point)}]}}"#
    }

    private static func histogram(_ counts: String, _ bounds: String, _ more: String = "") -> String {
        #"{"name":"h","unit":"ms","histogram":{"dataPoints":[{\#(time),"bucketCounts":\#(counts),"#
            + #""explicitBounds":\#(bounds)\#(more)}]}}"#
    }

    private static func exponential(_ members: String) -> String {
        #"{"name":"x","exponentialHistogram":{"dataPoints":[{\#(time),\#(members)}]}}"#
    }

    private static func samples(_ samples: String) -> String {
        #"{"metricset":{"timestamp":1544712660300000,"samples":{\#(samples)}}}"#
    }

    private static func sample(_ name: String, _ values: String, _ counts: String, _ unit: String = "")
        -> String
    {
        samples(#""\#(name)":{"values":[\#(values)],"counts":[\#(counts)],"type":"histogram"\#(unit)}"#)
    }

    private static let rows: [(String, [String], rejected: Int)] = [
        (gauge("g", #""asDouble":0.5"#), [samples(#""g":{"value":0.5,"type":"gauge"}"#)], 0),
        (gauge("g", #""asInt":"-7""#), [samples(#""g":{"value":-7,"type":"gauge"}"#)], 0),
        (gauge("g", #""as_int":0"#), [samples(#""g":{"value":0,"type":"gauge"}"#)], 0),
        (gauge("a*b\\\"c", #""asInt":1"#), [samples(#""a_b_c":{"value":1,"type":"gauge"}"#)], 0),
        (gauge("g", #""asDouble":"NaN""#), [], 1),
        (gauge("g", #""asDouble":"Infinity""#), [], 1),
        (gauge("g", #""exemplars":[]"#), [], 1),
        (gauge("", #""asInt":1"#), [], 1),
        // The series has ended.
        (gauge("g", #""asInt":1,"flags":1"#), [], 0),
        (
            #"{"name":"s","unit":"By","sum":{"isMonotonic":true,"aggregationTemporality":2,"#
                + #""dataPoints":[{\#(time),"asInt":5}]}}"#,
            [samples(#""s":{"value":5,"type":"counter","unit":"By"}"#)], 0
        ),
        (
            #"{"name":"s","sum":{"dataPoints":[{\#(time),"asInt":5}]}}"#,
            [samples(#""s":{"value":5,"type":"gauge"}"#)], 0
        ),
        (#"{"name":"none"}"#, [], 0),
        // Explicit bounds: middles; half the first bound; the last bound.
        (histogram("[1,2,0,3]", "[10,20,40]"), [sample("h", "5,15,40", "1,2,3", #","unit":"ms""#)], 0),
        (histogram(#"["1","1"]"#, "[0]"), [], 1),
        (histogram("[1,1,1]", "[-1,1]"), [sample("h", "-1,0,1", "1,1,1", #","unit":"ms""#)], 0),
        (histogram("[0,0]", "[1]"), [], 0),
        (histogram("[1]", "[1]"), [], 1),
        (histogram("[1,1,1]", "[1]"), [], 1),
        (histogram("[1,1,1]", "[2,1]"), [], 1),
        (histogram("[1,1]", #"["NaN"]"#), [], 1),
        (histogram("[]", "[]", #","count":"4","sum":10"#), [sample("h", "2.5", "4", #","unit":"ms""#)], 0),
        (histogram("[]", "[]", #","count":"4""#), [], 1),
        (histogram("[]", "[]"), [], 0),
        // Base 2: buckets (1, 2], (2, 4]; negative (-4, -2], (-2, -1].
        (
            exponential(#""positive":{"bucketCounts":["1","0","2"]}"#),
            [sample("x", "1.5,6", "1,2")], 0
        ),
        (
            exponential(
                #""zeroCount":"3","positive":{"offset":-1,"bucketCounts":[4]},"#
                    + #""negative":{"bucketCounts":[1,2]}"#
            ),
            [sample("x", "-3,-1.5,0,0.75", "2,1,3,4")], 0
        ),
        (
            exponential(#""scale":-1,"positive":{"offset":1,"bucketCounts":[1]}"#),
            [sample("x", "10", "1")], 0
        ),
        (exponential(#""scale":100,"positive":{"bucketCounts":[1]}"#), [], 1),
        (exponential(#""positive":{"offset":2147483647,"bucketCounts":[1,1]}"#), [], 1),
        (exponential(#""positive":{"offset":-2147483648,"bucketCounts":[1]}"#), [sample("x", "0", "1")], 0),
        (exponential(#""count":"0""#), [], 0),
        (
            #"{"name":"q","unit":"s","summary":{"dataPoints":[{\#(time),"count":"3","sum":4.5,"#
                + #""quantileValues":[{"quantile":0.5,"value":1}]}]}}"#,
            [
                samples(
                    #""q.count":{"value":3,"type":"counter","unit":"s"},"q.sum":{"value":4.5,"type":"gauge","unit":"s"}"#
                )
            ], 0
        ),
    ]

    @Test("become samples", arguments: rows)
    func samples(metric: String, expected: [String], rejected: Int) throws {
        let translation = try OTLPTranslation(.metrics, json: OTLPRequest.metrics(metric))
        #expect(translation.events == expected)
        #expect(translation.tally.rejected == rejected)
    }

    @Test("points of equal attributes and time share a metricset, in any order and never with a name twice")
    func groups() throws {
        func point(_ name: String, _ attributes: String, _ time: Int = 1_000_000) -> String {
            #"{"name":"\#(name)","gauge":{"dataPoints":[{"timeUnixNano":"\#(time)","asInt":1,"#
                + #""attributes":[\#(attributes)]}]}}"#
        }
        let a = OTLPRequest.attribute("a", #""stringValue":"x""#)
        let b = OTLPRequest.attribute("b", #""intValue":"2""#)
        let points = [
            point("m1", "\(a),\(b)"), point("m2", a), point("m3", "\(b),\(a)"), point("m1", "\(a),\(b)"),
            point("m4", a, 2_000_000), point("m5", a),
        ]
        let translation = try OTLPTranslation(
            .metrics,
            json: OTLPRequest.metrics(points.joined(separator: ","))
        )
        func value(_ name: String) -> String { #""\#(name)":{"value":1,"type":"gauge"}"# }
        func metricset(_ names: [String], _ tags: String, _ time: Int = 1000) -> String {
            #"{"metricset":{"timestamp":\#(time),"samples":{\#(names.map(value).joined(separator: ","))},"#
                + #""tags":{\#(tags)}}}"#
        }
        #expect(
            translation.events == [
                metricset(["m1", "m3"], #""a":"x","b":2"#), metricset(["m2", "m5"], #""a":"x""#),
                metricset(["m1"], #""a":"x","b":2"#), metricset(["m4"], #""a":"x""#, 2000),
            ]
        )
        #expect(translation.items == [-1, 2, 2, 1, 1])
    }

    @Test("many points keep a bound on memory and are all there")
    func many() throws {
        let point = #"{"asInt":1}"#
        let count = 40_000
        let points = Array(repeating: point, count: count).joined(separator: ",")
        var items = 0
        let body = Array(OTLPRequest.metrics(#"{"name":"m","gauge":{"dataPoints":[\#(points)]}}"#).utf8)
        let tally = try OTLPTranslator().translate(.metrics, .json, body.span.bytes) { line, _ in
            if case .event(let count) = line { items += count }
        }
        #expect(items == count && tally.items == count)
    }
}
