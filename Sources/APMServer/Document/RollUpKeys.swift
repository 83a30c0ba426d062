import Common

extension EventMapper {
    /// Notes that the event's service was seen.
    func rollUpSummary(
        _ fields: EventFields,
        at time: EventTime,
        _ owner: EventOwner,
        _ line: RawSpan,
        _ metadata: RequestMetadata,
        _ output: IntakeOutput
    ) {
    }
}
