import Common

/// Which traces are stored: those of one kind, by what their root transaction says, and how many of these.
struct TailPolicy: Equatable, Sendable {
    /// nil: any; as all criteria.
    var serviceName: String?
    var serviceEnvironment: String?
    /// Name of the root transaction.
    var traceName: String?
    var traceOutcome: Outcome?
    /// From 0 to 1.
    var sampleRate: Double

    var hasCriteria: Bool {
        serviceName != nil || serviceEnvironment != nil || traceName != nil || traceOutcome != nil
    }
}

/// All policies, the first that fits counting.
struct TailPolicies: Sendable {
    private struct Rule: Sendable {
        /// As JSON text without quotes.
        var serviceName: [UInt8]?
        var serviceEnvironment: [UInt8]?
        var traceName: [UInt8]?
        var outcome: Outcome?
        var sampleRate: Double
    }

    private let rules: [Rule]

    /// - Parameter policies: one of them has no criteria.
    init(_ policies: [TailPolicy]) {
        func text(_ value: String?) -> [UInt8]? {
            value.map { value in
                var json = ByteBuffer(capacity: 64)
                json.append(jsonString: value)
                return Array(json.array.dropFirst().dropLast())
            }
        }
        rules = policies.map { policy in
            Rule(
                serviceName: text(policy.serviceName),
                serviceEnvironment: text(policy.serviceEnvironment),
                traceName: text(policy.traceName),
                outcome: policy.traceOutcome,
                sampleRate: policy.sampleRate
            )
        }
    }

    /// Whether a trace is stored, by its root transaction.
    ///
    /// The same for the same trace whenever it is asked.
    ///
    /// - Parameters:
    ///   - service: name of the root's service, as JSON text without quotes, like the others.
    ///   - environment: of the service; empty for none.
    ///   - name: of the root transaction.
    func keeps(
        _ trace: TraceKey,
        service: RawSpan,
        environment: RawSpan,
        name: RawSpan,
        outcome: Outcome
    ) -> Bool {
        for rule in rules {
            if let wanted = rule.outcome, wanted != outcome { continue }
            guard Self.matches(rule.serviceName, service),
                Self.matches(rule.serviceEnvironment, environment), Self.matches(rule.traceName, name)
            else { continue }
            return trace.fraction < rule.sampleRate
        }
        return true
    }

    private static func matches(_ wanted: [UInt8]?, _ text: RawSpan) -> Bool {
        guard let wanted else { return true }
        return text.byteCount == wanted.count && text.withUnsafeBytes { $0.elementsEqual(wanted) }
    }
}

/// A trace by a hash of its id.
struct TraceKey: Hashable, Sendable {
    let low: UInt64
    let high: UInt64

    /// Always the same, or a restart would decide anew.
    private static let hash = SipHash(key: 0x7461_696C_2073_616D, 0x706C_696E_6720_6964)

    /// - Parameter id: the trace's id as the agent writes it.
    init(_ id: RawSpan) {
        let hash = Self.hash.hash(id, 0..<id.byteCount)
        low = hash.low
        high = hash.high
    }

    init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }

    /// From 0 up to 1, evenly spread over traces.
    var fraction: Double { Double(high >> 11) * 0x1p-53 }
}
