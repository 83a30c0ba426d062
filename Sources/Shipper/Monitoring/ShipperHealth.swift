import Common

extension ShipperMonitor {
    /// A window that waits longer than this means that nothing gets through, also when its file is gone.
    static let maxWindowAge = Duration.seconds(300)

    /// Whether lines arrive at the receiver in time.
    ///
    /// - Parameter maxLagAge: how long a line may wait; zero for as long as it takes.
    /// - Parameter now: wall clock, to say since when.
    static func health(_ report: Report?, maxLagAge: Duration, now: CalendarTime) -> Health {
        guard let report else { return Health(reasons: ["the event loop does not answer"]) }
        if maxLagAge > .zero, let file = report.oldest, file.age > maxLagAge {
            let since = CalendarTime(seconds: now.seconds - file.age.components.seconds)
            let lines = "\(file.path): \(file.lagBytes) bytes not stored since \(since.secondsText)"
            return Health(reasons: [
                "\(lines) (\(file.age.components.seconds) s), \(report.connectionText); "
                    + "\(report.lagBytes) bytes behind in \(Readable.files(report.fileCount))"
            ])
        }
        guard report.oldestWindow > maxWindowAge else { return Health() }
        let seconds = report.oldestWindow.components.seconds
        return Health(reasons: [
            "no ack for \(seconds) s, \(report.connectionText), \(report.lagBytes) bytes behind"
        ])
    }
}

extension ShipperMonitor.Report {
    /// `connected`, or why not.
    fileprivate var connectionText: String {
        let failure = connectionFailure.map { ": \($0)" } ?? ""
        guard isConnected else { return "not connected\(failure)" }
        return connectionFailure == nil ? "connected" : "connected, the last error\(failure)"
    }
}

extension CalendarTime {
    /// `2026-11-22T10:24:10Z`.
    var secondsText: String {
        var text = ByteBuffer(capacity: 24)
        text.append(iso8601: CalendarTime(seconds: seconds))
        // What is behind the seconds: a point, three digits, Z.
        text.truncate(to: text.count - 5)
        text.append(UInt8(ascii: "Z"))
        return text.text
    }
}
