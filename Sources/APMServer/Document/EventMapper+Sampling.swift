import Common

/// What tail-based sampling has to know of a transaction or span.
struct TraceMember {
    /// Of the trace.
    let id: FieldValue
    /// Of a transaction without a parent, which decides on its trace; nil for the others.
    let rootOutcome: Outcome?
}

extension EventMapper {
    /// Adds a document to those that wait for the decision on their traces.
    func hold(
        _ trace: TraceMember,
        in batch: TailBatch,
        _ index: RawSpan,
        _ id: RawSpan,
        _ fields: EventFields,
        _ line: RawSpan,
        _ metadata: RequestMetadata,
        _ write: (inout ByteBuffer) -> Void
    ) {
        line.withUnsafeBytes { bytes in
            func text(_ value: FieldValue) -> UnsafeRawBufferPointer {
                UnsafeRawBufferPointer(rebasing: bytes[value.range])
            }
            guard let outcome = trace.rootOutcome else {
                return batch.append(index: index, id: id, trace: text(trace.id).bytes, write)
            }
            metadata.line.bytes.withUnsafeBytes { own in
                /// The event's value, else the metadata's.
                func final(_ field: Field) -> UnsafeRawBufferPointer {
                    if fields[field].isGiven { return text(fields[field]) }
                    return UnsafeRawBufferPointer(rebasing: own[metadata.line.fields[field].range])
                }
                metadata.line.environment.withUnsafeBytes { fallback in
                    var environment = final(.serviceEnvironment)
                    // The default stands there with its quotes.
                    if environment.isEmpty, fallback.count > 2 {
                        environment = UnsafeRawBufferPointer(rebasing: fallback.dropFirst().dropLast())
                    }
                    batch.appendRoot(
                        index: index,
                        id: id,
                        trace: text(trace.id).bytes,
                        service: final(.serviceName).bytes,
                        environment: environment.bytes,
                        name: text(fields[.name]).bytes,
                        outcome: outcome,
                        write
                    )
                }
            }
        }
    }
}
