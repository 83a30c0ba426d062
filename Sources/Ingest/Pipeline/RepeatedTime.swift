import Common

/// Reads times that often are the same as the last one, as those of lines that were read together.
struct RepeatedTime: ~Copyable {
    private var text = ByteBuffer(capacity: 64)
    private var time: CalendarTime?

    /// The moment that RFC 3339 text names; nil for anything else.
    mutating func time(_ bytes: RawSpan, _ range: Range<Int>) -> CalendarTime? {
        let isSame = text.withSpan { $0.equals(bytes, range, 0..<$0.byteCount) }
        if isSame, let time { return time }
        time = CalendarTime.parse(iso8601: bytes, range)
        text.removeAll()
        if time != nil { text.append(bytes, range) }
        return time
    }
}
