import Common

extension ByteBuffer {
    /// Appends `target` of `service`: what the event says, or what its destination's resource tells when `infers`.
    mutating func appendServiceTarget(_ fields: EventFields, _ line: RawSpan, infers: Bool) {
    }
}
