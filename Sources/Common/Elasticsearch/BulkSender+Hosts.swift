/// What a sender asks of servers besides taking documents.
extension BulkSender {
    /// Prepares the store for the first document.
    func prepare(_ host: Int) {
        let started = Clock.monotonic
        do {
            let findings = try setup?.run(client, address(host))
            report(host, .answered, started: started)
            if let findings { traits.learn(findings) }
            queue.change { queue in
                queue.isPrepared = true
                queue.requiresDataStreams = findings?.requiresDataStreams ?? false
                queue.isPreparing = false
                queue.health.clear(.setup)
            }
        } catch let error as HTTPClientError {
            queue.change { $0.isPreparing = false }
            failed(error, host, started: started)
        } catch {
            let isTemporary = (error as? ElasticsearchSetup.Problem)?.isTemporary ?? false
            let report = isTemporary ? ElasticsearchHosts.Report.overloaded(retryAfter: nil) : .refused
            self.report(host, report, started: started, isHealthy: false)
            let origin = address(host).origin
            queue.change { queue in
                queue.isPreparing = false
                queue.health.raise(.setup, .down, "\(origin): \(error)", now: Clock.now)
            }
            Log.limited(
                .error,
                key: "elasticsearch-setup",
                "cannot prepare Elasticsearch; events wait and nothing is indexed until it works",
                ["host": origin, "reason": "\(error)"]
            )
        }
    }

    /// Asks a dead server for a sign of life.
    func probe(_ host: Int) {
        var isAlive = false
        do {
            // Any answer is a sign of life, whatever it says about us.
            _ = try client.perform(.head, address(host), "/", timeout: settings.http.connectTimeout)
            isAlive = true
        } catch {
            Log.debug("Elasticsearch is still away", ["reason": error.description])
        }
        queue.change { queue in
            queue.hosts.probed(
                host: host,
                isAlive: isAlive,
                now: Clock.monotonic,
                random: Double.random(in: 0..<1)
            )
        }
        if isAlive { Log.info("Elasticsearch can be reached again", ["host": address(host).origin]) }
    }

    /// Asks for the store's nodes; when there is no good answer, those known before stay in use.
    func sniff(_ host: Int) {
        let started = Clock.monotonic
        let server = address(host)
        var nodes: [HTTPServerAddress] = []
        do {
            let response = try client.perform(
                .get,
                server,
                StoreNodes.path,
                timeout: settings.http.connectTimeout
            )
            report(host, .answered, started: started)
            if response.status == 200 { nodes = client.withBody { StoreNodes.addresses($0, as: server) } }
            if nodes.isEmpty {
                Log.limited(
                    .warning,
                    key: "elasticsearch-sniffing",
                    "the store names no nodes; those that are known stay in use",
                    ["host": server.origin, "status": String(response.status)]
                )
            }
        } catch {
            failed(error, host, started: started)
        }
        let next = Clock.monotonic + (settings.sniffingInterval ?? .seconds(60)).nanoseconds
        let isNew = queue.change { queue in
            queue.sniffAt = next
            return nodes.isEmpty ? false : queue.hosts.use(nodes)
        }
        if isNew {
            Log.info("uses the nodes of the store", ["nodes": nodes.map(\.origin).joined(separator: " ")])
        }
    }
}
