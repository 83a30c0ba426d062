/// What a variable of an access log's format means for the document, under nginx's name for it.
///
/// Formats of other servers are compiled to the same variables.
/// Source: nginx's variable index, and the ECS names of the Filebeat nginx module where it has them.
enum NginxVariable: Hashable, Sendable {
    /// Which address in the chain from the client to this server.
    enum Address: Hashable, Sendable { case forwardedFor, remote, realIP, proxyProtocol }
    /// What the elements of a list about upstream servers are.
    enum Element: Hashable, Sendable { case address, integer, decimal }

    case address(Address)
    case remoteUser
    case timeLocal, timeISO8601, milliseconds
    /// The whole request line.
    case request
    case requestURI
    /// The normalised path, decoded by nginx.
    case path
    /// `?` if there are arguments.
    case isArguments
    case arguments
    case host
    case protocolVersion
    /// `on` for TLS.
    case https
    case status
    /// How long it took, in units of 10^(`scale` - 9) seconds: 9 for seconds, 6 for milliseconds.
    case duration(scale: Int)
    case serverAddress
    /// The W3C header, or Elastic's own, in which an APM agent hands on trace and transaction.
    case traceParent
    /// `TLSv1.3`
    case tlsProtocol
    case integer(ECSField)
    case text(ECSField)
    case upstream(ECSField, Element)
    /// Says nothing, such as Apache's `%l`.
    case ignored
    /// Any other: text under `nginx.access`, by its own name.
    case other

    /// The variable called `name` (without `$`).
    init(named name: String) {
        self = Self.known[name] ?? .other
    }

    /// How its end is found when nothing but its own shape shows it.
    var shape: Shape {
        switch self {
        case .timeLocal: .timeLocal
        case .timeISO8601: .timeISO8601
        case .status: .status
        case .integer: .integer
        case .milliseconds, .duration: .decimal
        case .upstream: .list
        default: .text
        }
    }

    /// The form of a variable's text.
    enum Shape: Sendable {
        /// Anything; ends where the next literal begins.
        case text
        /// Three digits.
        case status
        /// Digits or `-`; nothing with escape=json.
        case integer
        /// Digits with a point, or `-`; nothing with escape=json.
        case decimal
        /// `22/Nov/2026:10:13:40 +0000`
        case timeLocal
        /// `2026-11-22T10:13:42+00:00`
        case timeISO8601
        /// Elements without blanks, joined by `, ` and ` : `.
        case list
    }

    /// All variables with a meaning of their own, by name.
    ///
    /// `$uri` stands as what members of JSON called so are.
    static var named: [(String, NginxVariable)] {
        known.sorted { $0.key < $1.key }.map { ($0.key, $0.key == "uri" ? .requestURI : $0.value) }
    }

    private static let known: [String: NginxVariable] = [
        "remote_addr": .address(.remote),
        "realip_remote_addr": .address(.realIP),
        "http_x_forwarded_for": .address(.forwardedFor),
        "proxy_protocol_addr": .address(.proxyProtocol),
        "remote_port": .integer(.sourcePort),
        "remote_user": .remoteUser,
        "time_local": .timeLocal,
        "time_iso8601": .timeISO8601,
        "msec": .milliseconds,
        "request": .request,
        "request_method": .text(.httpRequestMethod),
        "request_uri": .requestURI,
        "uri": .path,
        "document_uri": .path,
        "is_args": .isArguments,
        "args": .arguments,
        "query_string": .arguments,
        "server_protocol": .protocolVersion,
        "scheme": .text(.urlScheme),
        "https": .https,
        "host": .host,
        "http_host": .host,
        "server_name": .text(.nginxServerName),
        "server_addr": .serverAddress,
        "server_port": .integer(.serverPort),
        "status": .status,
        "body_bytes_sent": .integer(.httpResponseBodyBytes),
        "bytes_sent": .integer(.httpResponseBytes),
        "request_length": .integer(.httpRequestBytes),
        "http_referer": .text(.httpRequestReferrer),
        "http_user_agent": .text(.userAgentOriginal),
        "sent_http_content_type": .text(.httpResponseMimeType),
        "request_time": .duration(scale: 9),
        "upstream_addr": .upstream(.nginxUpstreamAddressList, .address),
        "upstream_status": .upstream(.nginxUpstreamStatusCodeList, .integer),
        "upstream_response_time": .upstream(.nginxUpstreamResponseTimeList, .decimal),
        "upstream_connect_time": .upstream(.nginxUpstreamConnectTimeList, .decimal),
        "upstream_header_time": .upstream(.nginxUpstreamHeaderTimeList, .decimal),
        "upstream_response_length": .upstream(.nginxUpstreamResponseLengthList, .integer),
        "upstream_cache_status": .text(.nginxCacheStatus),
        "request_id": .text(.httpRequestID),
        "http_x_request_id": .text(.httpRequestID),
        "http_traceparent": .traceParent,
        "http_elastic_apm_traceparent": .traceParent,
        "ssl_protocol": .tlsProtocol,
        "ssl_cipher": .text(.tlsCipher),
        "ssl_server_name": .text(.tlsClientServerName),
        "connection": .integer(.nginxConnectionID),
        "connection_requests": .integer(.nginxConnectionRequests),
        "pid": .integer(.processPID),
        "hostname": .text(.hostHostname),
    ]
}
