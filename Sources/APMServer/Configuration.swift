import Common

/// What `apm-server.yml` says.
struct Configuration: Equatable {
    var host = "127.0.0.1"
    /// 8200 is where APM agents look by default; 0 lets the system choose.
    var port = 8200
    var monitoring = MonitoringConfiguration(port: Self.monitoringPort)
    var logging = LoggingConfiguration()

    private static let monitoringPort = 5067

    init() {}

    /// Complaints stay with `reader`, for its `finish`.
    init(_ reader: ConfigurationReader) {
        host = reader.string("host", default: host)
        if host.isEmpty { reader.problem("host", "empty; give an address such as 127.0.0.1") }
        port = reader.int("port", default: port, in: 0...65535)
        monitoring = MonitoringConfiguration(
            reader.section("monitoring"),
            defaultPort: Self.monitoringPort
        )
        logging = LoggingConfiguration(reader.section("logging"))
    }
}
