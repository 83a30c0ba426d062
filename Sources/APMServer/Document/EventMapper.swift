import Common

/// Turns decoded events into documents and roll-ups.
///
/// One per worker: it keeps the memory that events of all requests use in turn.
final class EventMapper {
    let settings: MappingSettings

    init(_ settings: MappingSettings) { self.settings = settings }

    /// Maps one decoded event.
    ///
    /// - Returns: how many events were accepted: 1; 0 for a metricset without usable samples; all parts of a RUM v3
    ///   transaction.
    /// - Throws: when this client may not send the event; nothing was put out then.
    func map(
        _ kind: EventKind,
        _ fields: EventFields,
        _ line: RawSpan,
        _ metadata: RequestMetadata,
        _ output: IntakeOutput
    ) throws(IntakeError) -> Int {
        switch kind {
        case .transaction: try transaction(fields, line, metadata, output)
        case .span: try span(fields, line, metadata, output)
        case .error, .rumError: try error(fields, line, metadata, output)
        case .metricset: try metricset(fields, line, metadata, output)
        case .log: try log(fields, line, metadata, output)
        case .rumTransaction: try rumTransaction(fields, line, metadata, output)
        }
    }
}
