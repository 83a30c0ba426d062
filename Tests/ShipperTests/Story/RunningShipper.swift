import Common
import Foundation
import Testing

@testable import Shipper

/// The real loop on a thread of its own, against a receiver in the same process.
final class RunningShipper {
    private let monitor: ShipperMonitor
    private let thread: Common.Thread
    private let exit: Monitor<Int32?>
    let metrics: ShipperMetrics

    /// - Parameter data: the data directory's name inside `folder`.
    init(
        _ folder: Folder,
        paths: [String],
        exclusions: [String] = [],
        to receiver: TestReceiver,
        limits: EventQueue.Limits = EventQueue.Limits(),
        startsAtEnd: Bool = false,
        maxLineBytes: Int = 10 << 20,
        files: FileOptions = FileOptions(),
        scanInterval: Duration = .seconds(10),
        deletedFiles: DeletedFileLimits = DeletedFileLimits(),
        usesInotify: Bool = true,
        descriptors: Int = 1000,
        timeout: Duration = .seconds(30),
        isOnce: Bool = false,
        rules: LineRules = LineRules(),
        fields: [UInt8] = [],
        sendsIncompleteLine: Bool = false,
        output change: @escaping @Sendable (inout LumberjackClient.Settings) -> Void = { _ in }
    ) throws {
        let scanner = PathScanner(patterns: paths.map(folder.path(_:)), exclusions: exclusions)
        let exit = Monitor<Int32?>(nil)
        self.exit = exit
        let metrics = ShipperMetrics()
        self.metrics = metrics
        let directory = folder.path("data")
        let port = receiver.port
        // Made on its thread, because the loop and all it owns stay there.
        let handover = Monitor<ShipperMonitor?>(nil)
        thread = try Common.Thread("shipper") {
            do {
                let store = try RegistryStore(directory: directory)
                let reactor = try Reactor()
                let monitor = ShipperMonitor(waker: reactor.waker)
                var settings = LumberjackClient.Settings(hosts: [.init(name: "127.0.0.1", port: port)])
                settings.backoff = Backoff(initial: .milliseconds(10), maximum: .milliseconds(50))
                settings.timeout = timeout
                let input = Input(
                    scanner: scanner,
                    startsAtEnd: startsAtEnd,
                    scanInterval: scanInterval,
                    files: files,
                    context: Harvester.Context(
                        source: EventTemplate.Source(
                            hostName: "web-1",
                            agentID: "an-id",
                            timezone: "+00:00",
                            fieldsJSON: fields,
                            areFieldsUnderRoot: true
                        ),
                        maxLineBytes: maxLineBytes,
                        processor: rules.isPlain
                            ? nil : LineProcessor(rules, maxLineBytes: maxLineBytes, metrics),
                        sendsIncompleteLine: sendsIncompleteLine
                    )
                )
                change(&settings)
                let loop = ShipperLoop(
                    settings: ShipperLoop.Settings(
                        flushLatency: .milliseconds(5),
                        registryFlush: .milliseconds(20),
                        deletedFiles: deletedFiles,
                        isOnce: isOnce
                    ),
                    limits: limits,
                    inputs: [input],
                    directory: directory,
                    registry: Registry(store.load()),
                    client: LumberjackClient(settings: settings, reactor: reactor, metrics: metrics),
                    reactor: reactor,
                    metrics: metrics,
                    monitor: monitor,
                    usesInotify: usesInotify,
                    descriptors: descriptors
                )
                handover.change { $0 = monitor }
                let code = try loop.run(signals: nil)
                exit.change { $0 = code }
            } catch {
                Issue.record(error)
                exit.change { $0 = -1 }
            }
        }
        let deadline = Clock.monotonic + 10_000_000_000
        let made = handover.wait { monitor -> Monitor<ShipperMonitor?>.Verdict<ShipperMonitor?> in
            monitor != nil || Clock.monotonic > deadline ? .proceed(monitor) : .wait(until: deadline)
        }
        monitor = try #require(made)
    }

    /// Asks the loop how things are.
    func report() -> ShipperMonitor.Report { monitor.ask() ?? ShipperMonitor.Report() }

    /// Waits until the report says what is wanted.
    func wait(_ location: SourceLocation = #_sourceLocation, until condition: (ShipperMonitor.Report) -> Bool)
    {
        let deadline = Clock.monotonic + 20_000_000_000
        while !condition(report()) {
            guard Clock.monotonic < deadline else {
                Issue.record("the shipper does not get there: \(report())", sourceLocation: location)
                return
            }
            usleep(2000)
        }
    }

    /// Waits until everything written is stored.
    func settle(_ location: SourceLocation = #_sourceLocation) {
        wait(location) { $0.lagBytes == 0 && $0.windowsOutstanding == 0 && $0.fileCount > 0 }
    }

    /// Stops it as SIGTERM does.
    @discardableResult
    func stop() -> Int32 {
        monitor.stop()
        return end()
    }

    /// Waits for its own end (`isOnce`).
    func end() -> Int32 {
        thread.join()
        return exit.read { $0 ?? -1 }
    }
}
