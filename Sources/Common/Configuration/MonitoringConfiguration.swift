/// The `monitoring` section of every service: where `/healthz`, `/stats` and `/metrics` answer.
package struct MonitoringConfiguration: Equatable, Sendable {
    package var isEnabled = true
    /// Loopback unless the user says otherwise: the numbers are not for everybody.
    package var host = "127.0.0.1"
    /// 0 lets the system choose.
    package var port: Int

    package init(port: Int) { self.port = port }

    package init(_ reader: ConfigurationReader, defaultPort: Int) {
        isEnabled = reader.bool("enabled", default: isEnabled)
        host = reader.string("host", default: host)
        port = reader.int("port", default: defaultPort, in: 0...65535)
        if host.isEmpty { reader.problem("host", "empty; give an address such as 127.0.0.1") }
    }
}
