/// Who sends a request, as far as permissions go.
enum Identity: Equatable, Sendable {
    /// The secret token was right, or the configuration asks for no authentication.
    case everything
    case apiKey(Privileges)
    /// No credentials; allowed as far as `auth.anonymous` says.
    case anonymous

    /// What Elasticsearch grants an API key on the application `apm`.
    struct Privileges: OptionSet, Hashable, Sendable {
        let rawValue: UInt8

        /// `event:write`.
        static let writeEvents = Privileges(rawValue: 1)
        /// `config_agent:read`.
        static let readConfiguration = Privileges(rawValue: 2)
        /// `sourcemap:write`; grants nothing here, but a key that has it is a valid one.
        static let writeSourceMaps = Privileges(rawValue: 4)
    }

    /// Whether events may be sent at all; of anonymous clients `EventGate` decides each.
    var mayWriteEvents: Bool { permits(.writeEvents) }

    /// Whether the central configuration may be read; anonymous clients see a part of it.
    var mayReadConfiguration: Bool { permits(.readConfiguration) }

    private func permits(_ privilege: Privileges) -> Bool {
        switch self {
        case .everything, .anonymous: true
        case .apiKey(let granted): granted.contains(privilege)
        }
    }
}
