import Common

/// What one anonymous client may send: agents and services that the configuration allows, and so many events a second.
final class EventGate {
    /// - Throws: 403 when agent or service is not allowed, 429 when the client has sent too many.
    func admit(agentName: RawSpan, serviceName: RawSpan) throws(IntakeError) {}
}
