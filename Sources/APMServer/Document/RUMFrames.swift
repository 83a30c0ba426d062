import Common

/// Tells frames of libraries, and frames that must not group errors, by the patterns of the configuration.
///
/// For events that came on a RUM path: browsers do not know which scripts are the application's own.
final class RUMFrames {
    init(_ settings: MappingSettings) {}

    /// The marks of one frame.
    func marks(_ frame: EventFields, _ line: RawSpan) -> FrameMarks {
        FrameMarks(frame)
    }
}
