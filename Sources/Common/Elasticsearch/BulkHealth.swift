/// Whether documents reach the store: the worst of the problems that stand at the moment.
///
/// Pure bookkeeping, for `/healthz` and the log.
package struct BulkHealth: Equatable, Sendable {
    package enum State: String, Comparable, Sendable {
        case ok, degraded, down

        package static func < (left: State, right: State) -> Bool { left.rank < right.rank }

        private var rank: Int {
            switch self {
            case .ok: 0
            case .degraded: 1
            case .down: 2
            }
        }
    }

    /// What can be wrong, each on its own.
    package enum Subject: String, CaseIterable, Sendable {
        /// Requests fail.
        case store
        /// Template and lifecycle policy are not there yet.
        case setup
        /// Some documents are turned back again and again, because the store has too much to do.
        case documents
        /// Some documents are turned back until someone mends the store's set-up.
        case held
        /// Dead letters cannot be written.
        case deadLetters
    }

    /// One problem, and since when it stands.
    package struct Problem: Equatable, Sendable {
        package let state: State
        package let reason: String
        package let since: CalendarTime

        package init(state: State, reason: String, since: CalendarTime) {
            self.state = state
            self.reason = reason
            self.since = since
        }
    }

    /// A store that gives no good answer for so long is down, whatever it answers: `degraded` is for what passes.
    package static let patience = Duration.seconds(5)

    private var problems: [Subject: Problem] = [:]

    package init() {}

    /// The worst problem, and among equals the oldest; nil when all is well.
    package func worst(now: CalendarTime) -> Problem? {
        Subject.allCases.compactMap { problem($0, now: now) }.max { left, right in
            left.state == right.state ? left.since > right.since : left.state < right.state
        }
    }

    package func state(now: CalendarTime) -> State { worst(now: now)?.state ?? .ok }

    private func problem(_ subject: Subject, now: CalendarTime) -> Problem? {
        guard let problem = problems[subject] else { return nil }
        let isLasting = now.nanoseconds - problem.since.nanoseconds >= Self.patience.nanoseconds
        // Documents that are turned back are sent again while others are stored: that may go on under load.
        guard isLasting, subject != .documents else { return problem }
        return Problem(state: .down, reason: problem.reason, since: problem.since)
    }

    /// Notes a problem; one that already stands keeps its beginning and takes the new reason.
    package mutating func raise(_ subject: Subject, _ state: State, _ reason: String, now: CalendarTime) {
        problems[subject] = Problem(state: state, reason: reason, since: problems[subject]?.since ?? now)
    }

    /// - Returns: the problem that stood until now.
    @discardableResult
    package mutating func clear(_ subject: Subject) -> Problem? {
        problems.removeValue(forKey: subject)
    }
}
