/// How long to wait between attempts that fail: doubles from `initial` to `maximum`, with jitter.
///
/// Pure: it reads no clock, and chance is an argument. A value that has counted nothing serves as the setting from
/// which others are copied.
package struct Backoff: Sendable {
    package let initial: Duration
    package let maximum: Duration
    /// Failures since the last success.
    package private(set) var failures = 0

    package init(initial: Duration = .seconds(1), maximum: Duration = .seconds(60)) {
        self.initial = initial
        self.maximum = maximum
    }

    /// Records a failure and says how long to wait: between half and the whole of the step, so that a fleet
    /// that lost its server does not come back at one moment.
    ///
    /// - Parameter chance: from 0 to 1.
    package mutating func failed(chance: Double) -> Duration {
        var step = min(initial, maximum)
        for _ in 0..<min(failures, 62) {
            if step >= maximum { break }
            step = min(step * 2, maximum)
        }
        failures += 1
        return step * (0.5 + min(max(chance, 0), 1) / 2)
    }

    /// The other side works: the next failure waits `initial` again.
    package mutating func succeeded() { failures = 0 }
}

extension Backoff {
    /// Decodes a section `backoff: {init: 1s, max: 60s}`.
    package init(_ reader: ConfigurationReader) {
        self.init(
            initial: reader.duration("init", default: .seconds(1), in: .milliseconds(1)...(.seconds(3600))),
            maximum: reader.duration("max", default: .seconds(60), in: .milliseconds(1)...(.seconds(86400)))
        )
    }
}
