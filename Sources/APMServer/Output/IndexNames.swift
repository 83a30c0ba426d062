import Common

/// Classic daily indices instead of data streams, when the configuration says so.
final class IndexNames: Sendable {
    let isClassic: Bool
    private let version: String

    /// - Parameter version: stands in the names: `apm-VERSION-transaction-2026.11.22`.
    init(isClassic: Bool, version: String) {
        self.isClassic = isClassic
        self.version = version
    }

    /// Calls `body` with `apm-VERSION-EVENT-yyyy.MM.dd`, the day being the event's in UTC.
    func withClassicName(of event: ProcessorEvent, time: CalendarTime, _ body: (RawSpan) -> Void) {
        var name = ByteBuffer(capacity: 64)
        name.append("apm-\(version)-")
        switch event {
        case .transaction: name.append("transaction" as StaticString)
        case .span: name.append("span" as StaticString)
        case .error: name.append("error" as StaticString)
        case .metric: name.append("metric" as StaticString)
        case .log: name.append("log" as StaticString)
        }
        let (year, month, day) = time.date
        name.append(UInt8(ascii: "-"))
        name.append(decimal: year, width: 4)
        name.append(UInt8(ascii: "."))
        name.append(decimal: month, width: 2)
        name.append(UInt8(ascii: "."))
        name.append(decimal: day, width: 2)
        name.withSpan(body)
    }
}
