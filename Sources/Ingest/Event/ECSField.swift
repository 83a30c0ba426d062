/// The fields that this service reads or writes by itself, under their ECS names.
///
/// Pipelines may add names of their own (`FieldTable.init`). Names outside of ECS are those of
/// the Filebeat nginx module, or stand below `nginx.access` and `wechat`.
enum ECSField: Int, CaseIterable, Sendable {
    case timestamp, message, tags
    case agentEphemeralID, agentID, agentName, agentType, agentVersion
    case ecsVersion
    case errorMessage
    case eventCategory, eventCreated, eventDataset, eventDuration, eventKind, eventModule
    case eventOriginal, eventOutcome, eventTimezone, eventType
    case hostHostname, hostName
    case httpRequestBytes, httpRequestID, httpRequestMethod, httpRequestReferrer
    case httpResponseBodyBytes, httpResponseBytes, httpResponseMimeType, httpResponseStatusCode
    case httpVersion
    case inputType
    case logFileDeviceID, logFileIdentity, logFileInode, logFilePath, logFlags, logOffset
    case nginxCacheStatus, nginxConnectionID, nginxConnectionRequests, nginxRemoteIPList, nginxServerName
    case nginxUpstreamAddressList, nginxUpstreamConnectTimeList, nginxUpstreamHeaderTimeList
    case nginxUpstreamResponseLengthList, nginxUpstreamResponseTimeList, nginxUpstreamStatusCodeList
    case processPID
    case relatedIP, relatedUser
    case serverIP, serverPort
    case sourceAddress, sourceIP, sourcePort
    case tlsCipher, tlsClientServerName, tlsVersion, tlsVersionProtocol
    case traceID, transactionID
    case urlDomain, urlExtension, urlFragment, urlOriginal, urlPath, urlPort, urlQuery, urlScheme
    case userName
    case userAgentOriginal
    case wechatAppID, wechatAppVersion, wechatClient, wechatLanguage, wechatMiniProgram, wechatNetworkType
    case wechatRelease, wechatVersion

    /// The dotted name, as documents and index templates know it.
    var name: String {
        switch self {
        case .timestamp: "@timestamp"
        case .message: "message"
        case .tags: "tags"
        case .agentEphemeralID: "agent.ephemeral_id"
        case .agentID: "agent.id"
        case .agentName: "agent.name"
        case .agentType: "agent.type"
        case .agentVersion: "agent.version"
        case .ecsVersion: "ecs.version"
        case .errorMessage: "error.message"
        case .eventCategory: "event.category"
        case .eventCreated: "event.created"
        case .eventDataset: "event.dataset"
        case .eventDuration: "event.duration"
        case .eventKind: "event.kind"
        case .eventModule: "event.module"
        case .eventOriginal: "event.original"
        case .eventOutcome: "event.outcome"
        case .eventTimezone: "event.timezone"
        case .eventType: "event.type"
        case .hostHostname: "host.hostname"
        case .hostName: "host.name"
        case .httpRequestBytes: "http.request.bytes"
        case .httpRequestID: "http.request.id"
        case .httpRequestMethod: "http.request.method"
        case .httpRequestReferrer: "http.request.referrer"
        case .httpResponseBodyBytes: "http.response.body.bytes"
        case .httpResponseBytes: "http.response.bytes"
        case .httpResponseMimeType: "http.response.mime_type"
        case .httpResponseStatusCode: "http.response.status_code"
        case .httpVersion: "http.version"
        case .inputType: "input.type"
        case .logFileDeviceID: "log.file.device_id"
        case .logFileIdentity: "log.file.identity"
        case .logFileInode: "log.file.inode"
        case .logFilePath: "log.file.path"
        case .logFlags: "log.flags"
        case .logOffset: "log.offset"
        case .nginxCacheStatus: "nginx.access.upstream.cache_status"
        case .nginxConnectionID: "nginx.access.connection.id"
        case .nginxConnectionRequests: "nginx.access.connection.requests"
        case .nginxRemoteIPList: "nginx.access.remote_ip_list"
        case .nginxServerName: "nginx.access.server_name"
        case .nginxUpstreamAddressList: "nginx.access.upstream.address_list"
        case .nginxUpstreamConnectTimeList: "nginx.access.upstream.connect_time_list"
        case .nginxUpstreamHeaderTimeList: "nginx.access.upstream.header_time_list"
        case .nginxUpstreamResponseLengthList: "nginx.access.upstream.response_length_list"
        case .nginxUpstreamResponseTimeList: "nginx.access.upstream.response_time_list"
        case .nginxUpstreamStatusCodeList: "nginx.access.upstream.status_code_list"
        case .processPID: "process.pid"
        case .relatedIP: "related.ip"
        case .relatedUser: "related.user"
        case .serverIP: "server.ip"
        case .serverPort: "server.port"
        case .sourceAddress: "source.address"
        case .sourceIP: "source.ip"
        case .sourcePort: "source.port"
        case .tlsCipher: "tls.cipher"
        case .tlsClientServerName: "tls.client.server_name"
        case .tlsVersion: "tls.version"
        case .tlsVersionProtocol: "tls.version_protocol"
        case .traceID: "trace.id"
        case .transactionID: "transaction.id"
        case .urlDomain: "url.domain"
        case .urlExtension: "url.extension"
        case .urlFragment: "url.fragment"
        case .urlOriginal: "url.original"
        case .urlPath: "url.path"
        case .urlPort: "url.port"
        case .urlQuery: "url.query"
        case .urlScheme: "url.scheme"
        case .userName: "user.name"
        case .userAgentOriginal: "user_agent.original"
        case .wechatAppID: "wechat.appid"
        case .wechatAppVersion: "wechat.app_version"
        case .wechatClient: "wechat.client"
        case .wechatLanguage: "wechat.language"
        case .wechatMiniProgram: "wechat.mini_program"
        case .wechatNetworkType: "wechat.network_type"
        case .wechatRelease: "wechat.release"
        case .wechatVersion: "wechat.version"
        }
    }
}
