import Common

/// Documents go to Elasticsearch or OpenSearch, and what can never be stored to the dead letters.
final class ElasticsearchOutput: DocumentOutput {
    private let indexer: BulkIndexer
    private let deadLetters: DeadLetterFile
    private let setup: ElasticsearchSetup

    /// Opens the dead letters; nothing is sent yet.
    ///
    /// - Throws: when the data directory cannot be made, read or written.
    ///
    /// - Parameter samples: takes the last document of each reason.
    init(_ configuration: Configuration, metrics: Metrics, samples: RejectSamples) throws {
        try Path.createDirectories(configuration.dataDirectory)
        let deadLetters = try DeadLetterFile(
            directory: configuration.deadLetterDirectory,
            limits: configuration.deadLetters,
            removals: DeadLetterRemovals(metrics, service: "ingest")
        )
        self.deadLetters = deadLetters
        metrics.gauge("ingest_dead_letter_bytes", "Bytes of dead letters on the disk.") {
            Double(deadLetters.totalBytes)
        }
        var output = configuration.output.elasticsearch
        output.maxPendingBytes = configuration.pendingBytes
        indexer = BulkIndexer(output, service: "ingest", metrics: metrics) { batch, burials in
            try deadLetters.append(burials, of: batch)
            DeadLetterReport.count(burials, of: batch, in: metrics, samples: samples)
        }
        setup = configuration.elasticsearchSetup
    }

    func start(lanes: Int) throws { try indexer.start(setup: setup, lanes: lanes) }

    func addLanes(upTo count: Int) throws { try indexer.addSenders(lanes: count) }

    func emptyBatch() -> BulkBatch { indexer.emptyBatch() }

    func submit(
        _ batch: BulkBatch,
        lane: BulkLane,
        turnedBack: @escaping BulkIndexer.TurnedBack,
        completion: @escaping @Sendable (BulkResult) -> Void
    ) -> Bool {
        indexer.submit(batch, lane: lane, turnedBack: turnedBack, completion: completion)
    }

    func whenRoom(for bytes: Int, _ wake: @escaping @Sendable () -> Void) {
        indexer.whenRoom(for: bytes, wake)
    }

    var health: BulkHealth { indexer.health }

    func housekeep() { deadLetters.removeExpired() }

    func stop(within limit: Duration) { indexer.stop(within: limit) }
}
