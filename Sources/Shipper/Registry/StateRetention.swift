/// How long the state of a file that is not found any more is kept.
///
/// The state of a file that is there is never dropped: without it the file would be sent again.
struct StateRetention: Equatable, Sendable {
    /// A file system may be away for a while, and a copy of a file may turn up after the file has gone.
    static let removedSeconds: Int64 = 24 * 3600

    /// Whether states are dropped a day after their files have gone.
    var cleansRemoved = true
    /// States are dropped when their files are gone for so long; zero: only by the rule above.
    var cleanInactive = Duration.zero

    /// Seconds after which the state of a file that has gone is dropped; nil for never.
    var seconds: Int64? {
        let inactive = cleanInactive > .zero ? cleanInactive.components.seconds : nil
        guard cleansRemoved else { return inactive }
        return min(Self.removedSeconds, inactive ?? Self.removedSeconds)
    }
}
