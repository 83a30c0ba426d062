/// The fields that this service reads or writes by itself, under their ECS names.
///
/// Pipelines may add names of their own (`FieldTable.init`). Names outside of ECS are those of
/// the Filebeat nginx module, or stand below `nginx` and `wechat`.
enum ECSField: Int, CaseIterable, Sendable {
    case timestamp, message, tags
    case agentEphemeralID, agentID, agentName, agentType, agentVersion
    case clientFingerprint
    case ecsVersion
    case errorCode, errorGroupingKey, errorMessage, errorStackTrace, errorType
    case eventCategory, eventCreated, eventDataset, eventDuration, eventKind, eventModule, eventOriginal
    case eventOutcome, eventTimezone, eventType
    case hostHostname, hostName
    case httpRequestBytes, httpRequestID, httpRequestMethod, httpRequestReferrer, httpResponseBodyBytes
    case httpResponseBytes, httpResponseMimeType, httpResponseStatusCode, httpVersion
    case inputType
    case logFileDeviceID, logFileIdentity, logFileInode, logFilePath, logFlags, logLevel, logLogger
    case logOffset, logOriginFileLine, logOriginFileName, logOriginFunction
    case syslogAppname, syslogFacilityCode, syslogFacilityName, syslogHostname, syslogMessageID
    case syslogPriority, syslogProcessID, syslogSeverityCode, syslogSeverityName, syslogStructuredData
    case syslogVersion
    case nginxConnectionID, nginxConnectionRequests, nginxRemoteIPList, nginxServerName
    case nginxUpstreamAddressList, nginxCacheStatus, nginxUpstreamConnectTimeList
    case nginxUpstreamHeaderTimeList, nginxUpstreamResponseLengthList, nginxUpstreamResponseTimeList
    case nginxUpstreamStatusCodeList
    case nginxErrorConnectionID, nginxErrorServer, nginxErrorSubrequest, nginxErrorText
    case nginxErrorUpstream
    case ingressRequestID, ingressRequestLength, ingressRequestTime, ingressRemoteIPList
    case ingressUpstreamAlternativeName, ingressUpstreamIP, ingressUpstreamName, ingressUpstreamPort
    case ingressResponseLength, ingressResponseLengthList, ingressResponseStatusCode
    case ingressResponseStatusCodeList, ingressResponseTime, ingressResponseTimeList
    case ingressUpstreamAddressList
    case processName, processPID, processThreadID, processThreadName
    case relatedIP, relatedUser
    case serverIP, serverPort
    case sourceAddress, sourceIP, sourcePort
    case spanID
    case tlsCipher, tlsClientServerName, tlsVersion, tlsVersionProtocol
    case traceID
    case transactionID
    case urlDomain, urlExtension, urlFragment, urlOriginal, urlPath, urlPort, urlQuery, urlScheme
    case userName
    case userAgentOriginal
    case wechatAppVersion, wechatAppID, wechatClient, wechatLanguage, wechatMiniProgram, wechatNetworkType
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
        case .clientFingerprint: "client.fingerprint"
        case .ecsVersion: "ecs.version"
        case .errorCode: "error.code"
        case .errorGroupingKey: "error.grouping_key"
        case .errorMessage: "error.message"
        case .errorStackTrace: "error.stack_trace"
        case .errorType: "error.type"
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
        case .logLevel: "log.level"
        case .logLogger: "log.logger"
        case .logOffset: "log.offset"
        case .logOriginFileLine: "log.origin.file.line"
        case .logOriginFileName: "log.origin.file.name"
        case .logOriginFunction: "log.origin.function"
        case .syslogAppname: "log.syslog.appname"
        case .syslogFacilityCode: "log.syslog.facility.code"
        case .syslogFacilityName: "log.syslog.facility.name"
        case .syslogHostname: "log.syslog.hostname"
        case .syslogMessageID: "log.syslog.msgid"
        case .syslogPriority: "log.syslog.priority"
        case .syslogProcessID: "log.syslog.procid"
        case .syslogSeverityCode: "log.syslog.severity.code"
        case .syslogSeverityName: "log.syslog.severity.name"
        case .syslogStructuredData: "log.syslog.structured_data"
        case .syslogVersion: "log.syslog.version"
        case .nginxConnectionID: "nginx.access.connection.id"
        case .nginxConnectionRequests: "nginx.access.connection.requests"
        case .nginxRemoteIPList: "nginx.access.remote_ip_list"
        case .nginxServerName: "nginx.access.server_name"
        case .nginxUpstreamAddressList: "nginx.access.upstream.address_list"
        case .nginxCacheStatus: "nginx.access.upstream.cache_status"
        case .nginxUpstreamConnectTimeList: "nginx.access.upstream.connect_time_list"
        case .nginxUpstreamHeaderTimeList: "nginx.access.upstream.header_time_list"
        case .nginxUpstreamResponseLengthList: "nginx.access.upstream.response_length_list"
        case .nginxUpstreamResponseTimeList: "nginx.access.upstream.response_time_list"
        case .nginxUpstreamStatusCodeList: "nginx.access.upstream.status_code_list"
        case .nginxErrorConnectionID: "nginx.error.connection_id"
        case .nginxErrorServer: "nginx.error.server"
        case .nginxErrorSubrequest: "nginx.error.subrequest"
        case .nginxErrorText: "nginx.error.text"
        case .nginxErrorUpstream: "nginx.error.upstream"
        case .ingressRequestID: "nginx.ingress_controller.http.request.id"
        case .ingressRequestLength: "nginx.ingress_controller.http.request.length"
        case .ingressRequestTime: "nginx.ingress_controller.http.request.time"
        case .ingressRemoteIPList: "nginx.ingress_controller.remote_ip_list"
        case .ingressUpstreamAlternativeName: "nginx.ingress_controller.upstream.alternative_name"
        case .ingressUpstreamIP: "nginx.ingress_controller.upstream.ip"
        case .ingressUpstreamName: "nginx.ingress_controller.upstream.name"
        case .ingressUpstreamPort: "nginx.ingress_controller.upstream.port"
        case .ingressResponseLength: "nginx.ingress_controller.upstream.response.length"
        case .ingressResponseLengthList: "nginx.ingress_controller.upstream.response.length_list"
        case .ingressResponseStatusCode: "nginx.ingress_controller.upstream.response.status_code"
        case .ingressResponseStatusCodeList: "nginx.ingress_controller.upstream.response.status_code_list"
        case .ingressResponseTime: "nginx.ingress_controller.upstream.response.time"
        case .ingressResponseTimeList: "nginx.ingress_controller.upstream.response.time_list"
        case .ingressUpstreamAddressList: "nginx.ingress_controller.upstream_address_list"
        case .processName: "process.name"
        case .processPID: "process.pid"
        case .processThreadID: "process.thread.id"
        case .processThreadName: "process.thread.name"
        case .relatedIP: "related.ip"
        case .relatedUser: "related.user"
        case .serverIP: "server.ip"
        case .serverPort: "server.port"
        case .sourceAddress: "source.address"
        case .sourceIP: "source.ip"
        case .sourcePort: "source.port"
        case .spanID: "span.id"
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
        case .wechatAppVersion: "wechat.app_version"
        case .wechatAppID: "wechat.appid"
        case .wechatClient: "wechat.client"
        case .wechatLanguage: "wechat.language"
        case .wechatMiniProgram: "wechat.mini_program"
        case .wechatNetworkType: "wechat.network_type"
        case .wechatRelease: "wechat.release"
        case .wechatVersion: "wechat.version"
        }
    }
}
