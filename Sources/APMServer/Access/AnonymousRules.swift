import Common
import Glibc

/// Which agents and services anonymous clients may send for (`auth.anonymous.allow_agent`, `allow_service`).
struct AnonymousRules: Sendable {
    /// Names as bytes; empty allows all.
    private let agents: [[UInt8]]
    private let services: [[UInt8]]

    init(agents: [String] = [], services: [String] = []) {
        self.agents = agents.map { Array($0.utf8) }
        self.services = services.map { Array($0.utf8) }
    }

    func allows(service: RawSpan) -> Bool { Self.allows(service, services) }

    func allows(agent: RawSpan) -> Bool { Self.allows(agent, agents) }

    func allows(service: String) -> Bool {
        Array(service.utf8).withUnsafeBytes { allows(service: $0.bytes) }
    }

    /// Whether a central configuration for the agent `name` may be shown: its name begins with an allowed one.
    func showsConfiguration(ofAgent name: String) -> Bool {
        agents.isEmpty || name.isEmpty || agents.contains { name.utf8.starts(with: $0) }
    }

    private static func allows(_ name: RawSpan, _ allowed: [[UInt8]]) -> Bool {
        guard !allowed.isEmpty else { return true }
        return name.withUnsafeBytes { bytes in
            allowed.contains { known in
                guard known.count == bytes.count, let base = bytes.baseAddress else {
                    return known.isEmpty && bytes.isEmpty
                }
                return memcmp(known, base, bytes.count) == 0
            }
        }
    }
}
