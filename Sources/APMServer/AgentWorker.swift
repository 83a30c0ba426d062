import Common

/// One thread of the port for agents: its routes, its intake, and what it writes of its own.
final class AgentWorker: HTTPWorker {
    private let router: Router
    private let intake: IntakeWorker
    /// On one of the workers.
    private var applied: AppliedConfigurations?

    init(_ router: Router, _ intake: IntakeWorker, applied: AppliedConfigurations?) {
        self.router = router
        self.intake = intake
        self.applied = applied
    }

    func open(_ request: HTTPRequest, _ exchange: any HTTPExchange) -> HTTPOpening {
        router.open(request, exchange, now: Clock.monotonic)
    }

    func tick(now: Int64) -> Int64 {
        let reported = intake.append { output in
            applied?.append(to: output, now: now, time: Clock.now) ?? .max
        }
        return min(reported, intake.tick(now: now))
    }

    /// Events of streams that were cut off by the stop are stored all the same.
    func ended() { intake.flush() }
}
