import Common

/// Tells frames of libraries, and frames that must not group errors, by the patterns of the configuration.
///
/// For events that came on a RUM path: browsers do not know which scripts are the application's own.
/// One per worker.
final class RUMFrames {
    private let library: RegularExpression?
    private let excluded: RegularExpression?
    private let match: RegularExpressionMatch
    private var unescaped = ByteBuffer()

    init(_ settings: MappingSettings) {
        library = Self.expression(settings.libraryPattern)
        excluded = Self.expression(settings.excludeFromGroupingPattern)
        let captures = max(library?.captureCount ?? 0, excluded?.captureCount ?? 0)
        match = RegularExpressionMatch(captures: captures)
    }

    /// Why `pattern` cannot be used, for whoever reads the configuration; nil when it can.
    static func problem(_ pattern: String) -> String? {
        do throws(RegularExpressionError) {
            _ = try RegularExpression(pattern)
            return nil
        } catch {
            return error.description
        }
    }

    /// The marks of one frame.
    ///
    /// A library's file or path matches its pattern, whatever the agent said, which is remembered.
    func marks(_ frame: EventFields, _ line: RawSpan) -> FrameMarks {
        var marks = FrameMarks(frame)
        if let library {
            marks.wasLibrary = marks.isLibrary
            marks.isLibrary =
                matches(library, frame[.frameFilename], line) || matches(library, frame[.frameAbsPath], line)
        }
        if let excluded { marks.isExcluded = matches(excluded, frame[.frameFilename], line) }
        return marks
    }

    private func matches(_ expression: RegularExpression, _ value: FieldValue, _ line: RawSpan) -> Bool {
        guard value.hasText else { return false }
        guard value.kind == .escapedString else {
            return expression.firstMatch(in: line, value.range, into: match)
        }
        unescaped.removeAll()
        unescaped.append(unescaped: value, of: line)
        return unescaped.withSpan { expression.firstMatch(in: $0, 0..<$0.byteCount, into: match) }
    }

    private static func expression(_ pattern: String) -> RegularExpression? {
        guard !pattern.isEmpty else { return nil }
        do throws(RegularExpressionError) { return try RegularExpression(pattern) } catch {
            fatalError("RUMFrames: a pattern that the configuration should have refused: \(error)")
        }
    }
}
