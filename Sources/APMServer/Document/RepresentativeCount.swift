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

extension ByteBuffer {
    /// Appends `representative_count`; nothing when it is 0.
    mutating func append(_ count: inout RepresentativeCount) {
        guard count.value > 0 else { return }
        key(#""representative_count":"#)
        count.append(to: &self)
    }
}
