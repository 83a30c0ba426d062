import Common
import Glibc

/// Reads times that often are the same as the last one, as those of lines that were read together.
struct RepeatedTime: ~Copyable {
    private var text = ByteBuffer(capacity: 64)
    private var time: CalendarTime?

    /// The moment that RFC 3339 text names; nil for anything else.
    mutating func time(_ bytes: RawSpan, _ range: Range<Int>) -> CalendarTime? {
        let isSame = text.withUnsafeBytes { last in
            bytes.withUnsafeBytes { bytes in
                guard let left = last.baseAddress, let right = bytes.baseAddress else { return false }
                return last.count == range.count && memcmp(left, right + range.lowerBound, range.count) == 0
            }
        }
        if isSame, let time { return time }
        time = CalendarTime.parse(iso8601: bytes, range)
        text.removeAll()
        if time != nil { text.append(bytes, range) }
        return time
    }
}
