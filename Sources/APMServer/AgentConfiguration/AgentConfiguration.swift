import Common

/// Settings of the central configuration, and which services they are for.
struct AgentConfiguration: Equatable, Sendable {
    /// One option of an agent; values are text whatever they mean.
    struct Setting: Equatable, Sendable {
        let name: String
        let value: String
    }

    /// What agents get for which there is nothing.
    static let none = AgentConfiguration(etag: "-", settings: [])

    /// The only option that anonymous clients may see.
    private static let publicSetting = "transaction_sample_rate"

    /// Empty for all services.
    var service = ""
    /// Empty for all environments.
    var environment = ""
    /// Of the agent that the settings were made for; empty when unknown.
    var agentName = ""
    /// The version of the settings, without quotes.
    let etag: String
    /// The settings as a JSON object of strings.
    let json: [UInt8]
    private let settings: [Setting]

    /// - Parameter etag: nil to make one of the content, the same in every process.
    init(
        service: String = "",
        environment: String = "",
        agentName: String = "",
        etag: String?,
        settings: [Setting]
    ) {
        self.service = service
        self.environment = environment
        self.agentName = agentName
        self.settings = settings
        var json = ByteBuffer(capacity: 256)
        json.append(UInt8(ascii: "{"))
        for setting in settings {
            json.separate()
            json.append(jsonString: setting.name)
            json.append(UInt8(ascii: ":"))
            json.append(jsonString: setting.value)
        }
        json.append(UInt8(ascii: "}"))
        self.json = json.array
        self.etag = etag ?? Self.hash(of: [service, environment, agentName], json)
    }

    /// What anonymous clients see of it, under the same etag.
    var publicPart: AgentConfiguration {
        AgentConfiguration(
            service: service,
            environment: environment,
            agentName: agentName,
            etag: etag,
            settings: settings.filter { $0.name == Self.publicSetting }
        )
    }

    private static func hash(of names: [String], _ json: borrowing ByteBuffer) -> String {
        var content = ByteBuffer(capacity: json.count + 64)
        for name in names { content.append(jsonString: name) }
        content.append(json)
        // The key is of no importance: the content comes from the operator, and every instance has to agree.
        let hash = content.withSpan { SipHash(key: 0, 0).hash($0, 0..<$0.byteCount) }
        var text = ByteBuffer(capacity: 32)
        for word in [hash.high, hash.low] {
            for shift in stride(from: 60, through: 0, by: -4) {
                text.append(Hexadecimal.lowerCase(UInt8(truncatingIfNeeded: word >> UInt64(shift)) & 15))
            }
        }
        return text.text
    }
}

extension [AgentConfiguration] {
    /// The best match: name and environment, then the name for any environment, the environment for any name, all.
    ///
    /// Of equals the first.
    func best(service: String, environment: String) -> (configuration: AgentConfiguration, rank: Int)? {
        let wanted = [(service, environment), (service, ""), ("", environment), ("", "")]
        for (rank, (service, environment)) in wanted.enumerated() {
            if let found = first(where: { $0.service == service && $0.environment == environment }) {
                return (found, rank)
            }
        }
        return nil
    }
}
