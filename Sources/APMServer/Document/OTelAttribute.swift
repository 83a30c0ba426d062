/// The attributes of OpenTelemetry spans that set fields of documents, under one name whatever the version of the
/// conventions calls them.
///
/// Source: OpenTelemetry semantic conventions, from 1.5 (`http.method`) to the stable names (`http.request.method`).
enum OTelAttribute: UInt8, CaseIterable {
    case httpURL, httpTarget, urlPath, urlQuery, httpScheme, httpHost, httpServerName
    case httpMethod, httpStatusCode, httpVersion, userAgent, clientAddress
    case hostName, hostPort
    case peerService, peerName, peerIP, peerPort, peerAddress
    case dbSystem, dbName, dbStatement, dbUser
    case messagingSystem, messagingDestination, messagingOperation, messagingIsTemporary
    case rpcSystem, rpcService, rpcMethod
    case type, sessionID, profilerStackTraceIDs

    /// What a known attribute is for a transaction (seen from the server) and for a span (from the client).
    struct Meaning: Sendable {
        let transaction: OTelAttribute?
        let span: OTelAttribute?
    }

    static let names = NameTable<Meaning>(
        both.map { ($0.key, Meaning(transaction: $0.value, span: $0.value)) }
            + transactionOnly.map { ($0.key, Meaning(transaction: $0.value, span: nil)) }
            + spanOnly.map { ($0.key, Meaning(transaction: nil, span: $0.value)) }
            + [
                // The side that speaks is the peer of a client and the host of a server.
                ("server.address", Meaning(transaction: .hostName, span: .peerName)),
                ("server.port", Meaning(transaction: .hostPort, span: .peerPort)),
            ]
    )

    private static let both: [String: OTelAttribute] = [
        "http.url": .httpURL, "url.full": .httpURL,
        "http.target": .httpTarget, "url.path": .urlPath, "url.query": .urlQuery,
        "http.scheme": .httpScheme, "url.scheme": .httpScheme,
        "http.host": .httpHost,
        "http.method": .httpMethod, "http.request.method": .httpMethod,
        "http.status_code": .httpStatusCode, "http.response.status_code": .httpStatusCode,
        "net.peer.name": .peerName,
        "net.peer.ip": .peerIP, "net.sock.peer.addr": .peerIP, "network.peer.address": .peerIP,
        "net.peer.port": .peerPort,
        "messaging.system": .messagingSystem,
        "messaging.destination": .messagingDestination, "messaging.destination.name": .messagingDestination,
        "messaging.operation": .messagingOperation, "messaging.operation.type": .messagingOperation,
        "rpc.system": .rpcSystem, "rpc.service": .rpcService, "rpc.method": .rpcMethod,
    ]

    private static let transactionOnly: [String: OTelAttribute] = [
        "http.server_name": .httpServerName,
        "http.flavor": .httpVersion, "http.protocol": .httpVersion, "network.protocol.version": .httpVersion,
        "http.user_agent": .userAgent, "user_agent.original": .userAgent,
        "http.client_ip": .clientAddress, "client.address": .clientAddress,
        "net.host.name": .hostName, "net.host.port": .hostPort,
        "type": .type, "session.id": .sessionID,
        "elastic.profiler_stack_trace_ids": .profilerStackTraceIDs,
    ]

    private static let spanOnly: [String: OTelAttribute] = [
        "peer.service": .peerService, "peer.address": .peerAddress,
        "peer.hostname": .peerName, "peer.ipv4": .peerIP, "peer.ipv6": .peerIP, "peer.port": .peerPort,
        "db.system": .dbSystem, "db.system.name": .dbSystem,
        "db.name": .dbName, "db.namespace": .dbName,
        "db.statement": .dbStatement, "db.query.text": .dbStatement,
        "db.user": .dbUser,
        "messaging.temp_destination": .messagingIsTemporary,
        "messaging.destination.temporary": .messagingIsTemporary,
    ]
}
