import Testing

@testable import Ingest

@Suite("Paused connections")
struct PausedConnectionsTests {
    @Test("time counts for each connection that is paused")
    func time() {
        let paused = PausedConnections()
        #expect(paused.nanoseconds(now: 100) == 0)
        paused.change(by: 1, now: 100)
        #expect(paused.nanoseconds(now: 130) == 30)
        paused.change(by: 2, now: 150)
        #expect(paused.count == 3)
        #expect(paused.nanoseconds(now: 160) == 80)
        #expect(paused.nanoseconds(now: 155) == 80, "another worker's clock is behind")
        paused.change(by: -3, now: 160)
        #expect(paused.nanoseconds(now: 500) == 80)
    }
}
