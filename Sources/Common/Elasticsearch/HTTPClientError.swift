/// Why a request got no answer: the server, what happened, what to do.
///
/// Holds no credentials.
package struct HTTPClientError: Error, Equatable, CustomStringConvertible {
    package enum Reason: Equatable, Sendable {
        /// A setting cannot be used; the text says which.
        case configuration(String)
        case unknownHost
        case refused
        case unreachable(String)
        case connectTimeout
        /// The request may or may not have been carried out.
        case timeout
        /// The connection ended before the answer did; the request may or may not have been carried out.
        case cut(String)
        case tls(String)
        case responseTooLarge(limitBytes: Int)
        case notHTTP
        case cancelled
        case other(String)
    }

    package let reason: Reason
    /// `scheme://host:port` of the server.
    package let server: String

    package init(_ reason: Reason, server: String) {
        self.reason = reason
        self.server = server
    }

    /// Whether no connection was made, so that no other request to this host would fare better.
    package var isConnectFailure: Bool {
        switch reason {
        case .unknownHost, .refused, .unreachable, .connectTimeout, .tls, .configuration: true
        case .timeout, .cut, .responseTooLarge, .notHTTP, .cancelled, .other: false
        }
    }

    package var description: String { "\(server): \(explanation)" }

    /// What happened and what to do, without the server.
    package var explanation: String {
        switch reason {
        case .configuration(let what): what
        case .unknownHost: "the host name cannot be resolved; check its spelling and the resolver"
        case .refused: "connection refused; is the server running and listening on this port?"
        case .unreachable(let why): "cannot connect (\(why)); check network, address and firewall"
        case .connectTimeout: "no connection within connect_timeout; check address, port and firewall"
        case .timeout: "no answer within timeout; the server is overloaded or stuck"
        case .cut(let why): "the connection ended before the answer did (\(why))"
        case .tls(let why): why
        case .responseTooLarge(let limit): "the answer is larger than \(limit) bytes"
        case .notHTTP: "the answer is not HTTP; if the server speaks TLS, use https:// for this host"
        case .cancelled: "given up because the service stops"
        case .other(let why): why
        }
    }
}
