import Common
import Testing

@testable import Shipper

@Suite struct ShipperHealthTests {
    private static let now = CalendarTime(year: 2026, month: 11, day: 27, hour: 10)

    private static func report(
        age: Duration? = nil,
        isConnected: Bool = true,
        failure: String? = nil,
        window: Duration = .zero
    ) -> ShipperMonitor.Report {
        var report = ShipperMonitor.Report()
        report.fileCount = 3
        report.lagBytes = 900
        report.isConnected = isConnected
        report.connectionFailure = failure
        report.oldestWindow = window
        report.oldest = age.map {
            ShipperMonitor.FileRow(
                path: "/a.log",
                size: 100,
                read: 70,
                stored: 40,
                age: $0,
                isOpen: true,
                isDeleted: false
            )
        }
        return report
    }

    @Test(
        "is red when a line waits too long, and says which, since when and why",
        arguments: [
            (nil, .seconds(300), ["the event loop does not answer"]),
            (report(), .seconds(300), []),
            (report(age: .seconds(300)), .seconds(300), []),
            (
                report(age: .seconds(600), isConnected: false, failure: "10.0.0.1:5044: Connection refused"),
                .seconds(300),
                [
                    "/a.log: 60 bytes not stored since 2026-11-27T09:50:00Z (600 s), not connected: "
                        + "10.0.0.1:5044: Connection refused; 900 bytes behind in 3 files"
                ]
            ),
            (
                report(age: .milliseconds(1500)), .seconds(1),
                [
                    "/a.log: 60 bytes not stored since 2026-11-27T09:59:59Z (1 s), connected; "
                        + "900 bytes behind in 3 files"
                ]
            ),
            // 0 switches it off; a window of a file that is gone is still missed.
            (report(age: .seconds(86400)), .zero, []),
            (
                report(failure: "h:1: no ack within 30.0 seconds", window: .seconds(301)), .zero,
                [
                    "no ack for 301 s, connected, the last error: h:1: no ack within 30.0 seconds, "
                        + "900 bytes behind"
                ]
            ),
        ] as [(ShipperMonitor.Report?, Duration, [String])]
    )
    func health(report: ShipperMonitor.Report?, maxLagAge: Duration, reasons: [String]) {
        #expect(ShipperMonitor.health(report, maxLagAge: maxLagAge, now: Self.now).reasons == reasons)
    }

    @Test("an age that was set is read, and a wrong one refused")
    func configuration() throws {
        func read(_ text: String) throws -> HealthConfiguration {
            let reader = try ConfigurationReader.parse(Array(text.utf8), source: "t.yml")
            let configuration = HealthConfiguration(reader)
            try reader.finish()
            return configuration
        }
        #expect(try read("").maxLagAge == .seconds(300))
        #expect(try read("max_lag_age: 0").maxLagAge == .zero)
        #expect(try read("max_lag_age: 1h").maxLagAge == .seconds(3600))
        #expect(throws: ConfigurationError.self) { try read("max_lag_age: 31d") }
        #expect(throws: ConfigurationError.self) { try read("max_lag_age: never") }
    }
}
