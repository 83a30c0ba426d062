import Common

extension EventMapper {
    func span(
        _ fields: EventFields,
        _ line: RawSpan,
        _ metadata: RequestMetadata,
        _ output: IntakeOutput
    ) throws(IntakeError) -> Int {
        0
    }
}
