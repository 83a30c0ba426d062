import Common
import Testing

@Suite("Backoff")
struct BackoffTests {
    @Test("waits double up to the maximum, with jitter, and start again after success")
    func doubles() {
        var backoff = Backoff(initial: .seconds(1), maximum: .seconds(60))
        let steps = (0..<8).map { _ in backoff.failed(chance: 1) }
        #expect(steps == [1, 2, 4, 8, 16, 32, 60, 60].map { Duration.seconds($0) })
        backoff.succeeded()
        #expect(backoff.failed(chance: 0) == .milliseconds(500))
        #expect(backoff.failed(chance: 0.5) == .milliseconds(1500))
        for _ in 0..<200 { _ = backoff.failed(chance: 1) }
        #expect(backoff.failed(chance: 7) == .seconds(60))
    }

    @Test("never waits longer than the maximum, though the first wait be set above it")
    func bounded() {
        var backoff = Backoff(initial: .seconds(5), maximum: .seconds(2))
        #expect(backoff.failed(chance: 1) == .seconds(2))
        #expect(backoff.failed(chance: 1) == .seconds(2))
    }
}
