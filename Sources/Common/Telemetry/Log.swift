import Glibc
import Synchronization

/// The service's own log on standard error: one line per event, text for people, ECS JSON for machines.
///
/// Never given a secret: callers pass names of things, not credentials. Nothing logs per line or document.
package enum Log {
    package enum Level: String, CaseIterable, Sendable, Comparable {
        case debug, info, warning, error

        package static func < (left: Level, right: Level) -> Bool { left.rank < right.rank }

        private var rank: Int {
            switch self {
            case .debug: 0
            case .info: 1
            case .warning: 2
            case .error: 3
            }
        }
    }

    package enum Format: String, CaseIterable, Sendable {
        /// Text on a terminal, JSON elsewhere.
        case auto
        case text, json
    }

    /// Sets service name, level and format; before that, everything from info on is text.
    package static func configure(service: String, level: Level, format: Format) {
        state.withLock { state in
            state.service = service
            state.level = level
            state.isJSON = format == .json || (format == .auto && isatty(2) == 0)
        }
    }

    package static func debug(_ message: String, _ fields: KeyValuePairs<String, String> = [:]) {
        write(.debug, message, fields)
    }

    package static func info(_ message: String, _ fields: KeyValuePairs<String, String> = [:]) {
        write(.info, message, fields)
    }

    package static func warning(_ message: String, _ fields: KeyValuePairs<String, String> = [:]) {
        write(.warning, message, fields)
    }

    package static func error(_ message: String, _ fields: KeyValuePairs<String, String> = [:]) {
        write(.error, message, fields)
    }

    /// Logs an event that may repeat quickly: at most one line per `key` in ten seconds, which says how many
    /// were left out since the last.
    package static func limited(
        _ level: Level,
        key: String,
        _ message: String,
        _ fields: KeyValuePairs<String, String> = [:]
    ) {
        let now = Clock.monotonic
        let suppressed = state.withLock { $0.repeats.admit(key, now: now) }
        guard let suppressed else { return }
        write(level, message, fields, suppressed: suppressed)
    }

    private static let state = Mutex(State())

    private struct State: Sendable {
        var service = ""
        var level = Level.info
        var isJSON = false
        var repeats = RepeatLimit()
    }

    private static func write(
        _ level: Level,
        _ message: String,
        _ fields: KeyValuePairs<String, String>,
        suppressed: Int = 0
    ) {
        let (service, isJSON, isOn) = state.withLock { ($0.service, $0.isJSON, level >= $0.level) }
        guard isOn else { return }
        var pairs = fields.map { ($0.key, $0.value) }
        if suppressed > 0 { pairs.append(("suppressed", String(suppressed))) }
        var line = ByteBuffer(capacity: 256)
        if isJSON {
            LogLine.json(Clock.now, level, service, message, pairs, into: &line)
        } else {
            LogLine.text(Clock.now, level, message, pairs, into: &line)
        }
        // One write per line keeps lines of several threads whole. Where standard error is gone there is
        // nobody left to tell.
        line.withUnsafeBytes { _ = Glibc.write(2, $0.baseAddress, $0.count) }
    }
}

/// Lets one event per key through in ten seconds and counts the rest.
package struct RepeatLimit: Sendable {
    private static let interval: Int64 = 10_000_000_000
    /// Keys remembered; above it the oldest are dropped, and may then log once more than they should.
    private static let maxKeys = 256
    private var seen: [String: (last: Int64, suppressed: Int)] = [:]

    package init() {}

    /// - Parameter now: monotonic nanoseconds.
    /// - Returns: how many were held back since the last that passed; nil when this one is held back.
    package mutating func admit(_ key: String, now: Int64) -> Int? {
        if let entry = seen[key], now - entry.last < Self.interval {
            seen[key] = (entry.last, entry.suppressed + 1)
            return nil
        }
        let suppressed = seen[key]?.suppressed ?? 0
        if seen.count >= Self.maxKeys, let oldest = seen.min(by: { $0.value.last < $1.value.last })?.key {
            seen[oldest] = nil
        }
        seen[key] = (now, 0)
        return suppressed
    }
}

/// The two shapes of a log line.
package enum LogLine {
    /// One line for people: `2026-11-22T10:24:10.460Z INFO  listening  port=5044`.
    package static func text(
        _ time: CalendarTime,
        _ level: Log.Level,
        _ message: String,
        _ fields: [(String, String)],
        into line: inout ByteBuffer
    ) {
        line.append(iso8601: CalendarTime(nanoseconds: time.nanoseconds / 1_000_000 * 1_000_000))
        switch level {
        case .debug: line.append(" DEBUG " as StaticString)
        case .info: line.append(" INFO  " as StaticString)
        case .warning: line.append(" WARN  " as StaticString)
        case .error: line.append(" ERROR " as StaticString)
        }
        appendOneLine(message, to: &line)
        for (name, value) in fields {
            line.append("  " as StaticString)
            line.append(name)
            line.append(UInt8(ascii: "="))
            if value.utf8.contains(where: { $0 <= 0x20 || $0 == UInt8(ascii: "\"") }) || value.isEmpty {
                line.append(jsonString: value)
            } else {
                appendOneLine(value, to: &line)
            }
        }
        line.append(UInt8(ascii: "\n"))
    }

    /// An ECS document: `@timestamp`, `log.level`, `message`, `service.name`, then the fields under `labels`.
    package static func json(
        _ time: CalendarTime,
        _ level: Log.Level,
        _ service: String,
        _ message: String,
        _ fields: [(String, String)],
        into line: inout ByteBuffer
    ) {
        line.append(#"{"@timestamp":""# as StaticString)
        line.append(iso8601: CalendarTime(nanoseconds: time.nanoseconds / 1_000_000 * 1_000_000))
        line.append(#"","log.level":""# as StaticString)
        line.append(level.rawValue)
        line.append(#"","message":"# as StaticString)
        line.append(jsonString: message)
        line.append(#","ecs.version":"8.11.0","service.name":"# as StaticString)
        line.append(jsonString: service)
        if !fields.isEmpty {
            line.append(#","labels":{"# as StaticString)
            for (index, (name, value)) in fields.enumerated() {
                if index > 0 { line.append(UInt8(ascii: ",")) }
                line.append(jsonString: name)
                line.append(UInt8(ascii: ":"))
                line.append(jsonString: value)
            }
            line.append(UInt8(ascii: "}"))
        }
        line.append("}\n" as StaticString)
    }

    /// Text from outside must not forge lines or steer a terminal: control bytes become `?`.
    private static func appendOneLine(_ text: String, to line: inout ByteBuffer) {
        for byte in text.utf8 { line.append(byte < 0x20 || byte == 0x7F ? UInt8(ascii: "?") : byte) }
    }
}
