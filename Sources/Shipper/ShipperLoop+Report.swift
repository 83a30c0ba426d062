import Common

/// How the loop stands, for people and for monitoring.
extension ShipperLoop {
    /// Looks at every file and says how far it is.
    func report(now: Int64) -> ShipperMonitor.Report {
        var report = ShipperMonitor.Report()
        let all = Array(harvesters.harvesters)
        for harvester in all {
            _ = harvester.hasNews()
            harvester.noteLag(now: now)
        }
        report.fileCount = all.count
        report.lagBytes = totalLag
        report.isConnected = client.isConnected
        report.connectionFailure = client.lastFailure
        report.windowsOutstanding = client.outstanding
        report.oldestWindow = .nanoseconds(client.oldestWindowAge(now: now))
        report.registryFailure = saver.failure
        // Of several that wait for the same time, the one that is furthest behind.
        let oldest = all.filter(\.state.lag.isBehind).max {
            ($0.state.lag.age(now: now), $0.lag) < ($1.state.lag.age(now: now), $1.lag)
        }
        report.oldest = oldest.map { row($0, now: now) }
        report.files = all.sorted { $0.lag > $1.lag }.prefix(ShipperMonitor.maxRows).map { row($0, now: now) }
        return report
    }

    private func row(_ harvester: Harvester, now: Int64) -> ShipperMonitor.FileRow {
        ShipperMonitor.FileRow(
            path: harvester.path,
            size: harvester.knownSize,
            read: harvester.offset,
            stored: harvester.state.offset,
            age: .nanoseconds(harvester.state.lag.age(now: now)),
            isOpen: harvester.isOpen,
            isDeleted: harvester.isDeleted
        )
    }

    /// Notes since when files wait that cannot be read now: no window may be sent, or others have their turn.
    func noteWaiting(now: Int64) {
        let isBlocked = !client.hasRoom
        guard isBlocked || harvesters.waitingCount > 0 else { return }
        for harvester in harvesters.harvesters
        where (isBlocked && harvester.isQueued || harvester.upkeep.isWaiting) && !harvester.state.lag.isBehind
        {
            _ = harvester.hasNews()
            harvester.noteLag(now: now)
        }
    }

    /// One line for `systemctl status`.
    var statusText: String {
        let connection = client.isConnected ? "connected" : "not connected"
        return "\(Readable.files(harvesters.all.count)), \(totalLag) bytes behind, \(connection)"
    }
}
