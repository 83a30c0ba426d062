import Common

extension EventMapper {
    /// Appends `http`, `url`, `user_agent`, `source` and `client` of a transaction or an error.
    func appendRequest(
        _ fields: EventFields,
        _ line: RawSpan,
        _ metadata: RequestMetadata,
        into document: inout ByteBuffer
    ) {
        document.append(.client, of: metadata)
    }
}
