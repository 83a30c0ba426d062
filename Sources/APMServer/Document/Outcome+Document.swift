import Common

extension Outcome {
    /// The outcome that the event gives, else the one that its HTTP status tells.
    ///
    /// - Parameter failure: the lowest status that is a failure.
    init(_ given: FieldValue, status: FieldValue, failsFrom failure: Int64, _ line: RawSpan) {
        if given.equals("success", line) {
            self = .success
        } else if given.equals("failure", line) {
            self = .failure
        } else if given.hasText {
            self = .unknown
        } else if let code = status.integer(line) {
            self = code >= failure ? .failure : .success
        } else {
            self = .unknown
        }
    }

    var name: StaticString {
        switch self {
        case .success: "success"
        case .failure: "failure"
        case .unknown: "unknown"
        }
    }
}

extension ByteBuffer {
    /// Appends `"outcome":…`.
    mutating func append(_ outcome: Outcome) {
        key(#""outcome":""#)
        append(outcome.name)
        append(UInt8(ascii: "\""))
    }

    /// Appends `event` of a transaction or a span.
    mutating func appendEvent(_ outcome: Outcome, _ count: inout RepresentativeCount) {
        let event = openObject(#""event":"#)
        append(outcome)
        switch outcome {
        case .failure: member(#""success_count":"#, 0)
        case .success:
            key(#""success_count":"#)
            if count.value > 0 {
                count.append(to: &self)
            } else {
                append(UInt8(ascii: "1"))
            }
        case .unknown: break
        }
        closeObject(event)
    }
}
