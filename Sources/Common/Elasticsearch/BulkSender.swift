/// One sender: a thread's loop that does what `BulkQueue` says, with one connection per server.
struct BulkSender: @unchecked Sendable {
    // Sendable is true because it is made by `BulkIndexer.start` and then used by its one thread only.

    /// Level 1: half the bytes of level 0's neighbours cost twice the time (Logstash's default too).
    private static let gzipLevel = 1
    /// Text of the store kept of one error.
    private static let maxReasonBytes = 2048
    /// Memory kept from one request to the next, in each of the two buffers.
    private static let keptBytes = 8 << 20

    let client: HTTPClient
    let settings: ElasticsearchSettings
    let queue: Monitor<BulkQueue>
    let metrics: BulkMetrics
    let setup: ElasticsearchSetup?
    let traits: StoreTraits
    let bury: BulkIndexer.Bury
    /// Told of a job of which some documents were turned back.
    let shrink: @Sendable (BulkJob) -> Void
    let complete: @Sendable (BulkJob) -> Void

    /// The bodies of the request being sent.
    private struct Scratch: ~Copyable {
        var plain = ByteBuffer()
        var packed = ByteBuffer()
        let compressor = DeflateCompressor(level: BulkSender.gzipLevel)
    }

    /// Runs until the queue says that the service stops.
    func run() {
        var scratch = Scratch()
        defer {
            client.close()
            queue.change { $0.activeSenders -= 1 }
        }
        while true {
            let order = queue.wait { queue in
                queue.next(now: Clock.monotonic, random: Double.random(in: 0..<1))
            }
            switch order {
            case .send(let job, let host): send(job, to: host, &scratch)
            case .bury(let job): advance(job)
            case .prepare(let host): prepare(host)
            case .probe(let host):
                // A batch may have woken this sender, and waits for another now.
                queue.changeForOne { _ in }
                probe(host)
            case .sniff(let host): sniff(host)
            case .end: return
            }
        }
    }

    func address(_ host: Int) -> HTTPServerAddress { queue.read { $0.hosts.addresses[host] } }

    // MARK: - Requests

    private func send(_ job: BulkJob, to host: Int, _ scratch: inout Scratch) {
        let started = Clock.monotonic
        let byteCount = job.byteCount * job.progress.part.count / max(job.batch.documentCount, 1)
        var verdict: AdaptiveConcurrency.Verdict
        do {
            let response = try post(job, to: address(host), &scratch)
            let elapsed = Clock.monotonic - started
            metrics.request(status: response.status, nanoseconds: elapsed)
            job.lane?.answered(status: response.status)
            verdict = read(response, job, host, started: started)
            if verdict == .good { verdict = .took(elapsed, bytes: byteCount) }
        } catch {
            metrics.request(status: nil, nanoseconds: Clock.monotonic - started)
            job.lane?.failures.add()
            failed(error, host, started: started)
            verdict = error.reason == .timeout ? .overloaded : .unknown
        }
        let hasGrown = queue.update { $0.concurrency.ended(verdict, started: started, now: Clock.monotonic) }
        if hasGrown { queue.changeForOne { _ in } }
        advance(job)
    }

    private func post(
        _ job: BulkJob,
        to server: HTTPServerAddress,
        _ scratch: inout Scratch
    ) throws(HTTPClientError) -> HTTPClient.Response {
        let part = job.progress.part
        let isWhole = part.count == job.batch.documentCount
        if !isWhole {
            scratch.plain.removeAll()
            job.batch.bytes.withSpan { bytes in
                for document in part { scratch.plain.append(bytes, job.batch.range(document)) }
            }
        }
        metrics.bodyBytes.add(isWhole ? job.batch.byteCount : scratch.plain.count)
        defer {
            scratch.plain.shrink(to: Self.keptBytes)
            scratch.packed.shrink(to: Self.keptBytes)
        }
        guard settings.isCompressed else {
            metrics.sentBytes.add(isWhole ? job.batch.byteCount : scratch.plain.count)
            return isWhole ? try post(job.batch.bytes, server) : try post(scratch.plain, server)
        }
        scratch.packed.removeAll()
        if isWhole {
            job.batch.bytes.withSpan { scratch.compressor.compress($0, as: .gzip, into: &scratch.packed) }
        } else {
            scratch.plain.withSpan { scratch.compressor.compress($0, as: .gzip, into: &scratch.packed) }
        }
        metrics.sentBytes.add(scratch.packed.count)
        return try post(scratch.packed, server)
    }

    private func post(
        _ body: borrowing ByteBuffer,
        _ server: HTTPServerAddress
    ) throws(HTTPClientError) -> HTTPClient.Response {
        let requirement = queue.read { $0.requiresDataStreams } ? "&require_data_stream=true" : ""
        return try body.withUnsafeBytes { (bytes) throws(HTTPClientError) in
            try client.perform(
                .post,
                server,
                "/_bulk?filter_path=\(BulkResponse.filterPath)\(requirement)",
                contentType: .ndjson,
                isGzip: settings.isCompressed,
                body: bytes
            )
        }
    }

    // MARK: - Answers

    /// - Returns: what the answer says about the store's load.
    private func read(
        _ response: HTTPClient.Response,
        _ job: BulkJob,
        _ host: Int,
        started: Int64
    ) -> AdaptiveConcurrency.Verdict {
        switch BulkRequestOutcome(status: response.status) {
        case .answered:
            do {
                let documents = job.progress.part.count
                let retried = try readItems(job)
                report(host, .answered, started: started)
                queue.update { $0.isProven = true }
                return AdaptiveConcurrency.isOverload(turnedBack: retried, of: documents)
                    ? .overloaded : .good
            } catch {
                troubled(host, .overloaded(retryAfter: nil), error.description, started: started)
                return .unknown
            }
        case .retry:
            let reason = "status \(response.status): \(refusal().reason)"
            troubled(host, .overloaded(retryAfter: response.retryAfter), reason, started: started)
            return .overloaded
        case .halve, .bisect:
            let (type, reason) = refusal()
            report(host, .answered, started: started)
            Log.limited(
                .warning,
                key: "elasticsearch-refused-\(response.status)",
                "Elasticsearch refuses a bulk request; it goes out again in halves",
                [
                    "status": String(response.status), "documents": String(job.progress.part.count),
                    "reason": reason,
                ]
            )
            let isProven = queue.read { $0.isProven }
            job.progress.refused(
                status: response.status,
                type: type,
                reason: reason,
                isStoreProven: isProven
            )
            return .unknown
        case .hold:
            let reason = "status \(response.status): \(refusal().reason)"
            troubled(host, .refused, reason, started: started)
            return .unknown
        }
    }

    /// Takes the items of the last answer into the job's progress.
    ///
    /// - Returns: how many documents the store had no time for.
    private func readItems(_ job: BulkJob) throws(BulkResponse.Problem) -> Int {
        let before = job.progress
        var worst = BulkOutcome.stored
        var retried = 0
        try client.withBody { (bytes) throws(BulkResponse.Problem) in
            try BulkResponse.read(bytes, documents: job.progress.part.count) { number, item in
                let type = item.type.map { bytes.text($0.range) }
                let outcome = BulkOutcome(status: item.status, type: type)
                if outcome == .retry || outcome == .hold { job.lane?.turnedBack.add() }
                if outcome == .retry { retried += 1 }
                if outcome == .hold { metrics.held.add() }
                // The first of each kind is told, and building the text for each of thousands would be waste.
                if outcome == .hold && worst != .hold || outcome == .retry && worst == .stored {
                    worst = outcome
                    turnedBack(
                        outcome,
                        "status \(item.status) \(type ?? ""): \(Self.reason(item, bytes))",
                        job
                    )
                }
                job.progress.item(number, outcome, status: item.status) {
                    (type ?? "", Self.reason(item, bytes))
                }
            }
        }
        job.lane?.itemsEnded(hadErrors: worst != .stored || !job.progress.burials.isEmpty)
        job.progress.itemsEnded()
        metrics.stored.add(job.progress.stored - before.stored)
        metrics.duplicates.add(job.progress.duplicates - before.duplicates)
        metrics.retried.add(retried)
        metrics.fallbacksStored.add(job.progress.fallbacks.stored - before.fallbacks.stored)
        metrics.fallbacksRefused.add(job.progress.fallbacks.refused - before.fallbacks.refused)
        if job.progress.stored > before.stored { job.delay.succeeded() }
        return retried
    }

    private func turnedBack(_ outcome: BulkOutcome, _ reason: String, _ job: BulkJob) {
        let isHeld = outcome == .hold
        queue.change { $0.trouble(job, isHeld: isHeld, reason, now: Clock.now) }
        Log.limited(
            isHeld ? .error : .warning,
            key: isHeld ? "elasticsearch-held" : "elasticsearch-turned-back",
            isHeld
                ? "Elasticsearch refuses documents until someone mends its set-up; they are kept and tried again"
                : "Elasticsearch turns documents back; they are sent again",
            ["reason": reason]
        )
    }

    private static func reason(_ item: BulkResponse.Item, _ bytes: RawSpan) -> String {
        var text = item.reason.map { Self.text($0, bytes) } ?? ""
        if let cause = item.cause { text += " (\(Self.text(cause, bytes)))" }
        return text
    }

    private static func text(_ text: JSONReader.Text, _ bytes: RawSpan) -> String {
        var buffer = ByteBuffer()
        buffer.append(unescaped: text, of: bytes)
        buffer.truncate(to: min(buffer.count, maxReasonBytes))
        return buffer.text
    }

    /// Type and reason of a request refused as a whole.
    private func refusal() -> (type: String, reason: String) {
        client.withBody { ElasticsearchError.read($0, maxBytes: Self.maxReasonBytes) }
    }

    // MARK: - Consequences

    func failed(_ error: HTTPClientError, _ host: Int, started: Int64) {
        // The stop of the service is nobody's failure.
        guard error.reason != .cancelled else {
            report(host, .overloaded(retryAfter: nil), started: started, isHealthy: false)
            return
        }
        let report = error.isConnectFailure ? ElasticsearchHosts.Report.dead : .overloaded(retryAfter: nil)
        troubled(host, report, error.explanation, started: started)
    }

    /// A request that did no good: the server rests, the health says so, the log too.
    func troubled(
        _ host: Int,
        _ report: ElasticsearchHosts.Report,
        _ reason: String,
        started: Int64
    ) {
        self.report(host, report, started: started, isHealthy: false)
        let origin = address(host).origin
        queue.change { queue in
            let isDown = report == .refused || queue.hosts.liveCount == 0
            let state = isDown ? BulkHealth.State.down : .degraded
            queue.health.raise(.store, state, "\(origin): \(reason)", now: Clock.now)
        }
        Log.limited(
            report == .refused ? .error : .warning,
            key: "elasticsearch-\(origin)",
            report == .refused
                ? "Elasticsearch refuses our requests; events wait until someone mends it"
                : "a bulk request failed and will be sent again",
            ["host": origin, "reason": reason]
        )
    }

    func report(
        _ host: Int,
        _ report: ElasticsearchHosts.Report,
        started: Int64,
        isHealthy: Bool = true
    ) {
        let now = Clock.monotonic
        let mended = queue.update { queue in
            queue.hosts.finished(
                host: host,
                report,
                started: started,
                now: now,
                random: Double.random(in: 0..<1)
            )
            return isHealthy ? queue.health.clear(.store) : nil
        }
        // What went as usual is no news for the other senders.
        if mended != nil || report != .answered { queue.change { _ in } }
        guard let mended else { return }
        let seconds = (Clock.now.nanoseconds - mended.since.nanoseconds) / 1_000_000_000
        Log.info(
            "Elasticsearch takes documents again",
            ["host": address(host).origin, "after_seconds": String(seconds)]
        )
    }

    /// Does with a batch what its progress asks for, up to the next request.
    private func advance(_ job: BulkJob) {
        if job.progress.step == .bury, !buryAll(of: job) {
            rest(job)
            return
        }
        switch job.progress.step {
        case .done: complete(job)
        case .pause:
            job.progress.resumed()
            shrink(job)
            rest(job)
        case .send, .bury: queue.change { $0.putBack(job) }
        }
    }

    private func rest(_ job: BulkJob) {
        let pause = job.delay.failed(chance: Double.random(in: 0..<1))
        job.readyAt = Clock.monotonic + pause.nanoseconds
        queue.change { $0.putBack(job) }
    }

    /// - Returns: false when they could not be written: the documents are kept.
    private func buryAll(of job: BulkJob) -> Bool {
        var burials = job.progress.burials
        if settings.hasFallback {
            for number in burials.indices {
                burials[number].hasFallback = FallbackDocument.isWorthTrying(burials[number])
            }
        }
        do {
            try bury(job.batch, burials)
        } catch {
            queue.change { $0.health.raise(.deadLetters, .down, "\(error)", now: Clock.now) }
            Log.limited(
                .error,
                key: "dead-letters",
                "dead letters cannot be written; the documents are kept and it is tried again",
                ["documents": String(burials.count), "reason": "\(error)"]
            )
            return false
        }
        metrics.deadLetters.add(burials.count)
        job.progress.buried()
        job.progress.addFallbacks(
            burials.count { $0.hasFallback && FallbackDocument.append(for: $0, to: job.batch) }
        )
        queue.change { _ = $0.health.clear(.deadLetters) }
        Log.limited(
            .warning,
            key: "dead-letters-written",
            "documents that Elasticsearch can never store went to the dead letters",
            ["documents": String(burials.count), "reason": burials.first?.reason ?? ""]
        )
        return true
    }
}
