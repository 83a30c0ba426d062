/// A duration as agents send it, in milliseconds.
struct AgentDuration {
    /// Cut, never rounded.
    let microseconds: Int64

    init(_ milliseconds: FieldValue, _ line: RawSpan) {
        let nanoseconds = ((milliseconds.double(line) ?? 0) * 1e6).rounded(.down)
        // The largest double below 2^63.
        microseconds = Int64(min(max(nanoseconds, 0), 9_223_372_036_854_774_784)) / 1000
    }
}
