import Common

/// A line without time and level that servers of Python write, known by how it begins.
///
/// Django writes records of `django.request` so as long as logging is not configured, and all servers say where they listen.
struct PythonAnnouncement {
    private enum Kind {
        case information, warning
        /// A record of `django.request`, with a path behind the text.
        case request(level: StaticString)
    }

    private let kind: Kind
    private let textBytes: Int

    /// - Returns: nil for a line that is none.
    init?(_ line: RawSpan) {
        for (text, kind) in Self.known where line.has(text, at: 0) {
            self.kind = kind
            textBytes = text.utf8CodeUnitCount
            return
        }
        guard Self.isStartTime(line) else { return nil }
        kind = .information
        textBytes = 0
    }

    /// `November 22, 2026 - 10:44:25`, which Django's server writes when it starts, in no zone that it names.
    private static func isStartTime(_ line: RawSpan) -> Bool {
        guard let space = line.firstIndex(of: 0x20, in: 0..<min(line.byteCount, 16)), space > 2,
            line.byteCount <= 32
        else { return false }
        var reader = DateDigits(bytes: 0..<line.byteCount, offset: 0)
        guard LogTime.month(&reader, line) != nil,
            let comma = line.firstIndex(of: UInt8(ascii: ","), in: space..<line.byteCount),
            line.areDigits(space + 1..<comma), line.has(" - ", at: comma + 6)
        else { return false }
        return line.areDigits(comma + 2..<comma + 6)
    }

    /// Sets level, logger, message, and what follows it.
    func set(_ line: RawSpan, _ event: inout Event) {
        let all = 0..<line.byteCount
        switch kind {
        case .information: LogLevel.set("info", &event)
        case .warning: LogLevel.set("warning", &event)
        case .request(let level):
            LogLevel.set(level, &event)
            let start = event.arena.count
            event.arena.append("django.request")
            event.set(.logLogger, text: start..<event.arena.count, in: .arena)
            let end = line.firstIndex(of: 0x0A, in: all) ?? line.byteCount
            let path = textBytes..<max(end, textBytes)
            if !path.isEmpty, line[path.lowerBound] == UInt8(ascii: "/") {
                event.set(.urlPath, text: path, in: .line)
            }
        }
        PythonMessage.set(all, line, &event)
    }

    private static let known: [(StaticString, Kind)] = [
        ("Internal Server Error: ", .request(level: "error")),
        ("Not Found: ", .request(level: "warning")),
        ("Bad Request: ", .request(level: "warning")),
        ("Method Not Allowed: ", .request(level: "warning")),
        ("Forbidden: ", .request(level: "warning")),
        ("Forbidden (", .request(level: "warning")),
        ("Unauthorized: ", .request(level: "warning")),
        ("Gone: ", .request(level: "warning")),
        ("Service Unavailable: ", .request(level: "error")),
        ("WARNING: This is a development server.", .warning),
        ("For more information on production servers see", .information),
        (" * Serving Flask app", .information),
        (" * Debug mode: ", .information),
        (" * Running on ", .information),
        (" * Restarting with ", .information),
        (" * Debugger ", .information),
        (" * Detected change in ", .information),
        (" * Environment: ", .information),
        ("Press CTRL+C to quit", .information),
        ("Performing system checks...", .information),
        ("System check identified ", .information),
        ("Watching for file changes with ", .information),
        ("Django version ", .information),
        ("Starting development server at ", .information),
        ("Starting ASGI/", .information),
        ("Quit the server with ", .information),
        ("You have ", .warning),
        ("Run 'python manage.py migrate' ", .warning),
    ]
}
