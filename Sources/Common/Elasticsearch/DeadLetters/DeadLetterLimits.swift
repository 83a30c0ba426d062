/// How many dead letters are kept, and for how long (`dead_letters`).
package struct DeadLetterLimits: Equatable, Sendable {
    /// What happens at `maxBytes`.
    package enum WhenFull: String, CaseIterable, Sendable {
        /// The oldest segments go, counted and logged: letters never hold up what can be stored.
        case removeOldest = "remove_oldest"
        /// Documents wait until someone makes room: no letter is ever removed.
        case hold
    }

    package var maxBytes: Int
    /// Segments whose last letter is older are removed; zero keeps them.
    package var maxAge: Duration
    package var whenFull: WhenFull

    package init(maxBytes: Int = 1 << 30, maxAge: Duration = .zero, whenFull: WhenFull = .hold) {
        self.maxBytes = maxBytes
        self.maxAge = maxAge
        self.whenFull = whenFull
    }

    /// Decodes the section; complaints are collected in `reader`.
    package init(_ reader: ConfigurationReader) {
        maxBytes = reader.size("max_bytes", default: 1 << 30, in: 1 << 20...1 << 50)
        maxAge = reader.duration("max_age", default: .zero)
        self.whenFull = reader.choice("when_full", default: WhenFull.hold)
    }
}

/// What is removed of dead letters because of `DeadLetterLimits`.
package struct DeadLetterRemovals: Sendable {
    let bySize: Counter
    let byAge: Counter

    /// - Parameter service: first word of the metric's name.
    package init(_ metrics: Metrics, service: String) {
        func removed(_ reason: String) -> Counter {
            metrics.counter(
                "\(service)_dead_letters_removed_total",
                "Dead letters removed because there were too many, or they were too old.",
                [("reason", reason)]
            )
        }
        bySize = removed("max_bytes")
        byAge = removed("max_age")
    }
}
