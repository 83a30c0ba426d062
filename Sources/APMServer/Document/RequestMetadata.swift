import Common

/// The metadata line of one intake request, with what follows from it for every event prepared once.
final class RequestMetadata {
    let request: RequestContext
    let dialect: Dialect
    /// Refuses events that this client may not send; nil when it may send all.
    let gate: EventGate?
    /// The line's own bytes, which outlive it.
    let line: [UInt8]
    let fields: EventFields

    /// - Parameters:
    ///   - fields: decoded from `line`.
    init(
        _ fields: EventFields,
        line: RawSpan,
        dialect: Dialect,
        request: RequestContext,
        gate: EventGate?,
        settings: MappingSettings
    ) {
        self.fields = fields
        self.line = line.withUnsafeBytes { Array($0) }
        self.dialect = dialect
        self.request = request
        self.gate = gate
    }
}
