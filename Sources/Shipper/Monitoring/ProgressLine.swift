import Common
import Glibc

/// What `shipper --once` shows on a terminal: bytes, rate, and the time left.
struct ProgressLine {
    static let interval: Int64 = 500_000_000

    private let started = Clock.monotonic
    private var shownAt: Int64 = 0

    /// nil when standard error is no terminal: a log needs no progress.
    init?() {
        guard isatty(2) != 0 else { return nil }
    }

    /// - Parameter lag: bytes that are still to be stored.
    mutating func update(done: Int, lag: Int64, now: Int64) {
        guard now - shownAt >= Self.interval else { return }
        shownAt = now
        StandardStream.write(
            "\r" + Self.text(done: done, lag: lag, elapsed: now - started) + "\u{1B}[K",
            toError: true
        )
    }

    func end(done: Int) {
        let elapsed = Clock.monotonic - started
        StandardStream.write(
            "\r" + Self.text(done: done, lag: 0, elapsed: elapsed) + "\u{1B}[K\n",
            toError: true
        )
    }

    /// Says `12.0 of 240.0 MiB  5 %  98.2 MiB/s  2 s left`.
    static func text(done: Int, lag: Int64, elapsed: Int64) -> String {
        let total = Double(done) + Double(lag)
        let seconds = max(Double(elapsed) / 1e9, 0.001)
        let rate = Double(done) / seconds
        let percent = total > 0 ? Int(Double(done) / total * 100) : 100
        var text =
            "\(mebibytes(Double(done))) of \(mebibytes(total)) MiB  \(percent) %  \(mebibytes(rate)) MiB/s"
        if lag > 0, rate > 0 { text += "  \(Int(Double(lag) / rate) + 1) s left" }
        return text
    }

    private static func mebibytes(_ bytes: Double) -> String {
        let tenths = Int((bytes / 104_857.6).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }
}
