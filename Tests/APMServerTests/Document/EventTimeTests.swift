import Common
import Testing

@testable import APMServer

@Suite("Times of events")
struct EventTimeTests {
    /// Expected by Python's datetime.
    @Test(
        "are written to the millisecond, cut, before 1970 too",
        arguments: [
            ("1496170407154000", "2017-05-30T18:53:27.154Z", 1_496_170_380),
            ("1496170407154999", "2017-05-30T18:53:27.154Z", 1_496_170_380),
            ("0", "1970-01-01T00:00:00.000Z", 0),
            ("-1", "1969-12-31T23:59:59.999Z", -60),
            ("951782399999999", "2000-02-28T23:59:59.999Z", 951_782_340),
            // The first and the last that nanoseconds can count.
            ("-9223372036854775", "1677-09-21T00:12:43.145Z", -9_223_372_080),
            ("9223372036854775", "2262-04-11T23:47:16.854Z", 9_223_372_020),
        ]
    )
    func written(microseconds: String, expected: String, minute: Int64) {
        let line = Array(microseconds.utf8)
        let value = FieldValue(.number, 0..<line.count)
        let time = EventTime(value, line.span.bytes, else: CalendarTime(seconds: 1))
        var buffer = ByteBuffer()
        buffer.append(timestamp: time)
        #expect(buffer.text == expected)
        #expect(time.minute == minute)
    }
}
