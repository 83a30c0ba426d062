import Common

/// How many events one sampled event stands for: 1 / sample rate.
struct RepresentativeCount: ~Copyable {
    /// 0 when it stands for none that anyone counts (a rate of 0, or none given where that means nothing).
    private(set) var value = 1.0
    /// Most agents send one rate for a long time, so its text is kept.
    private var text = ByteBuffer(capacity: 32)
    private var textValue = 0.0

    /// Takes the rate of the next event.
    ///
    /// - Parameter missing: what an event without a rate stands for.
    mutating func read(_ rate: FieldValue, _ line: RawSpan, missing: Double = 1) {
        guard let rate = rate.double(line) else {
            value = missing
            return
        }
        let count = 1 / rate
        value = rate > 0 && count.isFinite ? count : 0
    }

    /// In thousandths, as roll-ups count.
    var thousandths: Int64 { Int64(min((value * 1000).rounded(), 1e15)) }

    /// Appends the number; only if it is not 0.
    mutating func append(to buffer: inout ByteBuffer) {
        if value != textValue {
            text.removeAll()
            text.append(number: value)
            textValue = value
        }
        buffer.append(text)
    }
}

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

    /// Appends `representative_count`; nothing when it is 0.
    mutating func append(_ count: inout RepresentativeCount) {
        guard count.value > 0 else { return }
        key(#""representative_count":"#)
        count.append(to: &self)
    }
}
