import Common

/// Names the index of each document: from the pipeline's text, fields of the event, and its day.
///
/// Knows neither events nor records: whoever has the fields appends their text when asked. The name depends on the event
/// alone, so a repeat goes to the same index, where its id makes it harmless; only at the cap it also depends on which
/// names came first.
struct IndexName: ~Copyable {
    /// Of one field's text: a name has 255 bytes in all.
    private static let maxValueBytes = 100
    /// Stands for a field that is missing or empty.
    private static let missing: StaticString = "unknown"
    /// Names remembered as admitted, so that the cap is asked once for each.
    private static let maxKnown = 4096

    private let parts: [IndexPattern.Part]
    private let cap: IndexCap
    private let isDaily: Bool
    private let hash = SipHash(key: 0, 0)
    /// `base` of the pattern, with the day; the whole name when there are no fields.
    private var daily: DailyIndex
    private var known: Set<UInt64> = []
    private var value = ByteBuffer(capacity: 256)
    private var composed = ByteBuffer(capacity: 256)
    private var isComposed = false

    /// - Parameter cap: shared by all workers of the pipeline.
    init(_ target: IndexTarget, cap: IndexCap) {
        self.cap = cap
        switch target {
        case .daily(let pattern, _):
            parts = pattern.fields.isEmpty ? [] : pattern.parts
            daily = DailyIndex(prefix: pattern.base)
            isDaily = true
        case .dataStream(let name):
            parts = []
            daily = DailyIndex(prefix: name)
            isDaily = false
        }
    }

    /// Whether `select` asks for fields.
    var hasFields: Bool { !parts.isEmpty }

    /// Sets the name for an event of that time.
    ///
    /// - Parameter append: appends the text of the field with that number in `IndexPattern.fields`; nothing when the
    ///   event does not have it.
    /// - Returns: false when the cap is reached: the name is then that of the base index, and the event is to be tagged.
    mutating func select(_ time: CalendarTime, _ append: (_ field: Int, inout ByteBuffer) -> Void) -> Bool {
        isComposed = false
        if isDaily { daily.select(time) }
        guard hasFields else { return true }
        composed.removeAll()
        for part in parts {
            switch part {
            case .text(let text): composed.append(text)
            case .field(let number):
                value.removeAll()
                append(number, &value)
                value.withSpan { Self.appendName($0, to: &composed) }
                value.shrink(to: 1024)
            }
        }
        composed.truncate(to: min(composed.count, DailyIndex.maxPrefixBytes))
        daily.name.withSpan { composed.append($0, $0.byteCount - DailyIndex.suffixBytes..<$0.byteCount) }
        let name = composed.withSpan { hash.hash($0, 0..<$0.byteCount).low }
        guard !known.contains(name) else {
            isComposed = true
            return true
        }
        guard cap.admits(name, day: time.day) else { return false }
        if known.count >= Self.maxKnown { known.removeAll(keepingCapacity: true) }
        known.insert(name)
        isComposed = true
        return true
    }

    /// Sets the name for an event of that time, where no field is needed.
    mutating func select(_ time: CalendarTime) {
        if isDaily { daily.select(time) }
    }

    /// Calls `body` with the name that was set last.
    func withName<R, E: Error>(_ body: (RawSpan) throws(E) -> R) throws(E) -> R {
        isComposed ? try composed.withSpan(body) : try daily.name.withSpan(body)
    }

    /// Appends a value as part of an index name: ASCII in lower case, and `_` for each other byte or character.
    private static func appendName(_ value: RawSpan, to name: inout ByteBuffer) {
        guard value.byteCount > 0 else { return name.append(missing) }
        for index in 0..<min(value.byteCount, maxValueBytes) {
            switch value[index] {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): name.append(value[index] | 0x20)
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "."),
                UInt8(ascii: "-"), UInt8(ascii: "_"):
                name.append(value[index])
            // The rest of a character of several bytes.
            case 0x80...0xBF: break
            default: name.append(UInt8(ascii: "_"))
            }
        }
    }
}
