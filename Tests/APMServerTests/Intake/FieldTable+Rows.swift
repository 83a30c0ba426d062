@testable import APMServer

extension FieldTable {
    static let all = events + elements

    private static let service = """
        service/name serviceName "name"
        service/version serviceVersion
        service/environment serviceEnvironment
        service/id serviceID
        service/node/configured_name serviceNodeName
        service/agent/name agentName
        service/agent/version agentVersion
        service/agent/ephemeral_id agentEphemeralID
        service/agent/activation_method agentActivationMethod
        service/framework/name frameworkName
        service/framework/version frameworkVersion
        service/language/name languageName
        service/language/version languageVersion
        service/runtime/name runtimeName
        service/runtime/version runtimeVersion

        """

    private static let contextService = """
        service/origin/id serviceOriginID
        service/origin/name serviceOriginName
        service/origin/version serviceOriginVersion
        service/target/type serviceTargetType
        service/target/name serviceTargetName

        """

    private static let user = """
        user/id userID
        user/email userEmail
        user/username userName
        user/domain userDomain

        """

    private static let message = """
        message/body messageBody
        message/headers messageHeaders {"a":"b"}
        message/queue/name messageQueueName
        message/routing_key messageRoutingKey
        message/age/ms messageAgeMilliseconds 5

        """

    private static let faas = """
        faas/id faasID
        faas/name faasName
        faas/version faasVersion
        faas/execution faasExecution
        faas/coldstart faasColdstart true
        faas/trigger/type faasTriggerType
        faas/trigger/request_id faasTriggerRequestID

        """

    private static let context =
        """
        tags labels {"a":1}
        custom custom {"a":[]}
        request/method requestMethod
        request/url/full urlFull
        request/url/raw urlRaw
        request/url/protocol urlProtocol
        request/url/hostname urlHostname
        request/url/port urlPort 80
        request/url/pathname urlPathname
        request/url/search urlSearch
        request/url/hash urlHash
        request/headers requestHeaders {"a":["b"]}
        request/body requestBody
        request/cookies requestCookies {"a":"b"}
        request/env requestEnv {"a":"b"}
        request/http_version httpVersion
        request/socket/remote_address socketRemoteAddress
        request/socket/encrypted socketEncrypted false
        response/status_code responseStatusCode 200
        response/headers responseHeaders {"a":"b"}
        response/finished responseFinished true
        response/headers_sent responseHeadersSent true
        response/transfer_size responseTransferSize 1
        response/encoded_body_size responseEncodedBodySize 2
        response/decoded_body_size responseDecodedBodySize 3
        page/url pageURL
        page/referer pageReferer
        cloud/origin/account/id cloudOriginAccountID
        cloud/origin/provider cloudOriginProvider
        cloud/origin/region cloudOriginRegion
        cloud/origin/service/name cloudOriginServiceName

        """ + user + service + contextService + message

    private static let rumService = """
        se/n serviceName "name"
        se/ve serviceVersion
        se/en serviceEnvironment
        se/a/n agentName
        se/a/ve agentVersion
        se/la/n languageName
        se/la/ve languageVersion
        se/ru/n runtimeName
        se/ru/ve runtimeVersion
        se/fw/n frameworkName
        se/fw/ve frameworkVersion

        """

    private static let rumUser = """
        u/id userID 7
        u/un userName
        u/em userEmail
        u/ud userDomain

        """

    private static let rumContext =
        """
        g labels {"a":1}
        cu custom {"a":1}
        p/rf pageReferer
        p/url pageURL
        q/mt requestMethod
        q/hve httpVersion
        q/he requestHeaders {"a":"b"}
        q/en requestEnv {"a":"b"}
        r/sc responseStatusCode 200
        r/ts responseTransferSize 1
        r/ebs responseEncodedBodySize 2
        r/dbs responseDecodedBodySize 3
        r/he responseHeaders {"a":"b"}

        """ + rumUser + rumService

    private static func below(_ key: String, _ text: String) -> String {
        text.split(separator: "\n").map { "\(key)/\($0)\n" }.joined()
    }

    private static let events = [
        FieldTable(
            "metadata",
            rows: """
                labels labels {"a":"b"}
                process/pid processID 1
                process/ppid parentProcessID 2
                process/title processTitle
                process/argv processArguments ["a"]
                system/architecture architecture
                system/detected_hostname detectedHostname
                system/configured_hostname configuredHostname
                system/hostname hostname
                system/platform platform
                system/host_id hostID
                system/container/id containerID
                system/kubernetes/namespace kubernetesNamespace
                system/kubernetes/node/name kubernetesNodeName
                system/kubernetes/pod/name kubernetesPodName
                system/kubernetes/pod/uid kubernetesPodUID
                cloud/provider cloudProvider
                cloud/region cloudRegion
                cloud/availability_zone cloudAvailabilityZone
                cloud/account/id cloudAccountID
                cloud/account/name cloudAccountName
                cloud/instance/id cloudInstanceID
                cloud/instance/name cloudInstanceName
                cloud/machine/type cloudMachineType
                cloud/project/id cloudProjectID
                cloud/project/name cloudProjectName
                cloud/service/name cloudServiceName
                network/connection/type networkConnectionType

                """ + service + user
        ),
        FieldTable(
            "transaction",
            rows: """
                id id
                trace_id traceID
                parent_id parentID
                type type
                name name
                duration duration 1.5
                timestamp timestamp 7
                result result
                sampled sampled false
                span_count/started spanCountStarted 1
                span_count/dropped spanCountDropped 2
                sample_rate sampleRate 0.5
                outcome outcome "success"
                marks marks {"a":{"b":1}}
                session/id sessionID
                session/sequence sessionSequence 1
                experience/cls experienceCLS 1
                experience/fid experienceFID 2
                experience/tbt experienceTBT 3
                experience/longtask/count longtaskCount 4
                experience/longtask/sum longtaskSum 5
                experience/longtask/max longtaskMax 6
                dropped_spans_stats droppedSpansStats [{"outcome":"success"}]
                otel/span_kind otelSpanKind
                otel/attributes otelAttributes {"a":1}
                links links [{"trace_id":"a","span_id":"b"}]

                """ + faas + below("context", context)
        ),
        FieldTable(
            "span",
            rows: """
                id id
                trace_id traceID
                parent_id parentID
                transaction_id transactionID
                name name
                type type
                subtype subtype
                action action
                duration duration 1.5
                timestamp timestamp 7
                start start -1.5
                sync sync true
                outcome outcome "failure"
                sample_rate sampleRate 1
                child_ids childIDs ["a"]
                stacktrace stacktrace [{"filename":"f"}]
                links links [{"trace_id":"a","span_id":"b"}]
                otel/span_kind otelSpanKind
                otel/attributes otelAttributes {"a":1}
                composite/compression_strategy compositeStrategy
                composite/count compositeCount 2
                composite/sum compositeSum 1.5
                context/tags labels {"a":1}
                context/db/instance dbInstance
                context/db/link dbLink
                context/db/statement dbStatement
                context/db/type dbType
                context/db/user dbUser
                context/db/rows_affected dbRowsAffected 1
                context/destination/address destinationAddress
                context/destination/port destinationPort 80
                context/destination/service/resource destinationServiceResource
                context/destination/service/name destinationServiceName
                context/destination/service/type destinationServiceType
                context/http/url httpURL
                context/http/method httpMethod
                context/http/status_code httpStatusCode 200
                context/http/request/id httpRequestID
                context/http/request/body httpRequestBody [1,{}]
                context/http/response/status_code responseStatusCode 201
                context/http/response/headers responseHeaders {"a":"b"}
                context/http/response/transfer_size responseTransferSize 1
                context/http/response/encoded_body_size responseEncodedBodySize 2
                context/http/response/decoded_body_size responseDecodedBodySize 3

                """ + below("context", service + contextService + message)
        ),
        FieldTable(
            "error",
            rows: """
                id id
                trace_id traceID
                transaction_id transactionID
                parent_id parentID
                timestamp timestamp 7
                culprit culprit
                stack_trace errorStackTrace
                transaction/sampled transactionSampled true
                transaction/type transactionType
                transaction/name transactionName
                exception exception {"type":"E"}
                log log {"message":"m"}

                """ + below("context", context)
        ),
        FieldTable(
            "metricset",
            rows: """
                samples samples {"a":{"value":1}}
                timestamp timestamp 7
                tags labels {"a":1}
                span/type spanType
                span/subtype spanSubtype
                transaction/type transactionType
                transaction/name transactionName
                service/name serviceName
                service/version serviceVersion

                """ + faas
        ),
        FieldTable(
            "m",
            .v3,
            rows: """
                l labels {"a":1}
                n/c/t networkConnectionType

                """ + rumService + rumUser
        ),
        FieldTable(
            "x",
            .v3,
            rows: """
                id id
                tid traceID
                pid parentID
                t type
                n name
                rt result
                d duration 1
                sr sampleRate 1
                sm sampled true
                o outcome "unknown"
                yc/sd spanCountStarted 1
                yc/dd spanCountDropped 2
                k marks {"a":{"b":1}}
                exp/cls experienceCLS 1
                exp/fid experienceFID 2
                exp/tbt experienceTBT 3
                exp/lt/count longtaskCount 4
                exp/lt/sum longtaskSum 5
                exp/lt/max longtaskMax 6
                ses/id sessionID
                ses/seq sessionSequence 1
                y nestedSpans [{"id":"1","n":"n","t":"t","s":1,"d":2}]
                me nestedMetricsets [{"sa":{"ysc":{"v":1}}}]

                """ + below("c", rumContext)
        ),
        FieldTable(
            "e",
            .v3,
            rows: """
                id id
                tid traceID
                pid parentID
                xid transactionID
                timestamp timestamp 7
                cl culprit
                ex exception {"t":"E"}
                log log {"mg":"m"}
                x/sm transactionSampled true
                x/t transactionType
                x/n transactionName

                """ + below("c", rumContext)
        ),
    ]
}
