import Common

/// `log.level`: as logs have it, in lower case.
enum LogLevel {
    /// Longer words are no level.
    static let maxBytes = 32

    /// Sets the level that stands in `range` of the line.
    static func set(_ range: Range<Int>, _ line: RawSpan, _ event: inout Event) {
        guard !range.isEmpty, range.count <= maxBytes else { return }
        let start = event.arena.count
        event.arena.append(UInt8(ascii: "\""))
        event.arena.append(jsonEscaped: line, range)
        event.arena.append(UInt8(ascii: "\""))
        for index in start..<event.arena.count where event.arena[index] &- 65 < 26 {
            event.arena[index] |= 0x20
        }
        event.set(.logLevel, json: start..<event.arena.count, in: .arena)
    }

    /// Sets a level that the line does not name.
    static func set(_ level: StaticString, _ event: inout Event) {
        let start = event.arena.count
        event.arena.append(level)
        event.set(.logLevel, text: start..<event.arena.count, in: .arena)
    }
}
