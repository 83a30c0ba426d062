import Glibc

/// Whether a service does its work, and if not, why.
package struct Health: Equatable, Sendable {
    /// What is wrong, in a person's words; empty when all is well.
    package var reasons: [String]

    package init(reasons: [String] = []) { self.reasons = reasons }

    package var isHealthy: Bool { reasons.isEmpty }
}

/// `/healthz`, `/stats` and `/metrics` of a service, and its live page.
package struct Monitoring: Sendable {
    /// A port that the service listens on, as `/stats` shows it.
    package struct Listener: Equatable, Sendable {
        package let name: String
        /// `127.0.0.1:5044`.
        package let address: String

        package init(_ name: String, _ address: String) {
            self.name = name
            self.address = address
        }
    }

    private let service: String
    private let metrics: Metrics
    private let health: @Sendable () -> Health
    private let listeners: @Sendable () -> [Listener]
    private let details: [(name: String, json: @Sendable () -> [UInt8])]
    private let members: (@Sendable () -> [UInt8])?
    private let statsAliases: [String]
    private let page: MonitoringPage?
    private let started: Int64

    /// Collects what the paths need.
    ///
    /// - Parameter listeners: asked by every `/stats`.
    /// - Parameter details: members that `/stats` has besides, each a name and a value in JSON.
    /// - Parameter members: further members of `/stats`, as JSON with commas between them and without braces.
    /// - Parameter statsAliases: other paths with the same answer as `/stats`.
    /// - Parameter page: what `/` shows; nil for no page.
    /// - Parameter health: asked by every `/healthz`; answers at once.
    package init(
        service: String,
        metrics: Metrics,
        listeners: @escaping @Sendable () -> [Listener] = { [] },
        details: [(name: String, json: @Sendable () -> [UInt8])] = [],
        members: (@Sendable () -> [UInt8])? = nil,
        statsAliases: [String] = [],
        page: MonitoringPage? = nil,
        health: @escaping @Sendable () -> Health
    ) {
        self.service = service
        self.metrics = metrics
        self.health = health
        self.listeners = listeners
        self.details = details
        self.members = members
        self.statsAliases = statsAliases
        self.page = page
        started = Clock.monotonic
        ProcessMetrics.register(in: metrics)
    }

    /// Starts the server of the `monitoring` section and logs where it listens; nil when it is switched off.
    package func start(_ configuration: MonitoringConfiguration) throws(HTTPServer.Failure) -> HTTPServer? {
        guard configuration.isEnabled else { return nil }
        var settings = HTTPServer.Settings(host: configuration.host, port: configuration.port)
        settings.threadName = "monitoring"
        // It takes no bodies.
        settings.maxBodyBytes = 4096
        let server = try HTTPServer(settings, router: router)
        let port = String(server.address.port)
        Log.info("listening", ["for": "monitoring", "address": server.address.host, "port": port])
        return server
    }

    /// All paths.
    package var router: HTTPRouter {
        var router = HTTPRouter()
        router.on("GET", "/healthz") { [self] _ in healthAnswer }
        for path in ["/stats"] + statsAliases {
            router.on("GET", path) { [self] _ in Self.uncached(.json(stats)) }
        }
        router.on("GET", "/metrics") { [self] _ in
            var text = ByteBuffer(capacity: 4096)
            metrics.appendPrometheus(to: &text)
            let type = HTTPRequest.Field("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            return Self.uncached(HTTPResponse(status: 200, headers: [type], body: text.array))
        }
        if let page {
            router.on("GET", "/") { _ in Self.uncached(MonitoringPage.response) }
            router.on("GET", "/page.json") { _ in Self.uncached(.json(page.json)) }
        }
        return router
    }

    private var healthAnswer: HTTPResponse {
        let health = health()
        var body = ByteBuffer()
        Self.append(health, to: &body)
        body.append(UInt8(ascii: "\n"))
        return Self.uncached(.json(status: health.isHealthy ? 200 : 503, body.array))
    }

    private static func append(_ health: Health, to body: inout ByteBuffer) {
        body.append(health.isHealthy ? #"{"status":"ok""# : #"{"status":"unavailable","reasons":["#)
        for (index, reason) in health.reasons.enumerated() {
            if index > 0 { body.append(UInt8(ascii: ",")) }
            body.append(jsonString: reason)
        }
        body.append(health.isHealthy ? "}" : "]}")
    }

    private var stats: [UInt8] {
        var body = ByteBuffer(capacity: 4096)
        body.append(#"{"service":{"name":"# as StaticString)
        body.append(jsonString: service)
        body.append(#","version":"\#(Version.current)"},"pid":\#(getpid())"#)
        body.append(#","uptime_milliseconds":\#((Clock.monotonic - started) / 1_000_000),"listening":{"#)
        for (index, listener) in listeners().enumerated() {
            if index > 0 { body.append(UInt8(ascii: ",")) }
            body.append(jsonString: listener.name)
            body.append(UInt8(ascii: ":"))
            body.append(jsonString: listener.address)
        }
        body.append(#"},"health":"# as StaticString)
        Self.append(health(), to: &body)
        body.append(#","metrics":"# as StaticString)
        metrics.appendJSON(to: &body)
        for detail in details {
            body.append(UInt8(ascii: ","))
            body.append(jsonString: detail.name)
            body.append(UInt8(ascii: ":"))
            body.append(detail.json())
        }
        if let members {
            body.append(UInt8(ascii: ","))
            body.append(members())
        }
        body.append("}\n" as StaticString)
        return body.array
    }

    private static func uncached(_ response: HTTPResponse) -> HTTPResponse {
        var response = response
        response.headers.append(.init("Cache-Control", "no-store"))
        return response
    }
}
