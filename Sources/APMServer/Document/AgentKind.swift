import Common

/// What an agent's name says about how its events are treated.
enum AgentKind: UInt8, Sendable {
    case backend
    /// `rum-js`, `js-base`, `iOS/swift`.
    case frontend
    /// `android/java`.
    case android

    /// Whether its traces have a data stream of their own, and unsampled transactions are stored.
    @inline(__always) var isFrontend: Bool { self == .frontend }
    /// Whether labels of the metadata are part of roll-ups: devices of users have too many.
    @inline(__always) var labelsRollUps: Bool { self == .backend }

    init(_ name: FieldValue, _ line: RawSpan) {
        let names: (StaticString, StaticString, StaticString) = ("rum-js", "js-base", "iOS/swift")
        if name.equals(names.0, line) || name.equals(names.1, line) || name.equals(names.2, line) {
            self = .frontend
        } else if name.equals("android/java", line) {
            self = .android
        } else {
            self = .backend
        }
    }
}

/// Who sent an event, after the overrides of its `context.service`.
struct EventOwner: Sendable {
    /// Whether the event names anything of service or agent itself; else the request's fragments serve.
    let isOverridden: Bool
    let agent: AgentKind
}
