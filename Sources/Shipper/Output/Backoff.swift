/// How long to wait between attempts that fail: doubles from `initial` to `maximum`, with jitter.
///
/// Pure: chance is an argument.
struct Backoff {
    let initial: Duration
    let maximum: Duration
    private(set) var failures = 0

    init(initial: Duration, maximum: Duration) {
        self.initial = initial
        self.maximum = max(initial, maximum)
    }

    /// Records a failure and says how long to wait: between half and the whole of the step, so that a fleet
    /// that lost its server does not come back at one moment.
    ///
    /// - Parameter chance: from 0 to 1.
    mutating func failed(chance: Double) -> Duration {
        var step = initial
        for _ in 0..<min(failures, 62) {
            step *= 2
            if step >= maximum {
                step = maximum
                break
            }
        }
        failures += 1
        return step * (0.5 + min(max(chance, 0), 1) / 2)
    }

    /// The other side works: the next failure waits `initial` again.
    mutating func succeeded() { failures = 0 }
}
