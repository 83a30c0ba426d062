/// Every value that an event or a metadata line can carry, under one name whatever its key is called in the dialect
/// (intake v2 or RUM v3).
///
/// Source: the intake v2 specification of Elastic's APM agents. Metadata and events share the cases of what both
/// may say (service, user, …): each has an `EventFields` of its own.
enum Field: UInt8, CaseIterable {
    // Identity and time.
    case id, traceID, parentID, transactionID, spanID, timestamp, start, duration
    case name, type, subtype, action, result, outcome, sampled, sampleRate, sync, culprit
    case spanCountStarted, spanCountDropped

    // Lists and free-form objects, kept as a range of checked JSON.
    case links, childIDs, droppedSpansStats, stacktrace, labels, custom, marks, samples
    case exception, log
    case otelSpanKind, otelAttributes
    // What OpenTelemetry attributes say and no key of the intake does; never sent under these names.
    case otelProfilerStackTraceIDs, otelUserAgent, otelPeerName, otelPeerIP, otelPeerPort, otelClientIP

    // Service, its agent and what it runs on.
    case serviceName, serviceVersion, serviceEnvironment, serviceID, serviceNodeName
    case agentName, agentVersion, agentEphemeralID, agentActivationMethod
    case frameworkName, frameworkVersion, languageName, languageVersion, runtimeName, runtimeVersion
    case serviceOriginID, serviceOriginName, serviceOriginVersion, serviceTargetType, serviceTargetName

    // Metadata only.
    case processID, parentProcessID, processTitle, processArguments
    case architecture, detectedHostname, configuredHostname, hostname, platform, hostID
    case containerID, kubernetesNamespace, kubernetesNodeName, kubernetesPodName, kubernetesPodUID
    case cloudProvider, cloudRegion, cloudAvailabilityZone, cloudAccountID, cloudAccountName
    case cloudInstanceID, cloudInstanceName, cloudMachineType, cloudProjectID, cloudProjectName
    case cloudServiceName, networkConnectionType

    // User (metadata and context).
    case userID, userEmail, userName, userDomain

    // Context of transactions and errors: HTTP, URL, page. `responseX` serve spans too.
    case requestMethod, requestHeaders, requestBody, requestCookies, requestEnv, httpVersion
    case socketRemoteAddress, socketEncrypted
    case urlFull, urlRaw, urlProtocol, urlHostname, urlPort, urlPathname, urlSearch, urlHash
    case responseStatusCode, responseHeaders, responseFinished, responseHeadersSent
    case responseTransferSize, responseEncodedBodySize, responseDecodedBodySize
    case pageURL, pageReferer
    case messageBody, messageHeaders, messageQueueName, messageRoutingKey, messageAgeMilliseconds
    case cloudOriginAccountID, cloudOriginProvider, cloudOriginRegion, cloudOriginServiceName

    // Context of spans.
    case dbInstance, dbLink, dbStatement, dbType, dbUser, dbRowsAffected
    case destinationAddress, destinationPort
    case destinationServiceResource, destinationServiceName, destinationServiceType
    case httpURL, httpMethod, httpStatusCode, httpRequestID, httpRequestBody
    case compositeStrategy, compositeCount, compositeSum

    // Transactions.
    case sessionID, sessionSequence
    case experienceCLS, experienceFID, experienceTBT, longtaskCount, longtaskSum, longtaskMax
    case faasID, faasName, faasVersion, faasExecution, faasColdstart, faasTriggerType, faasTriggerRequestID

    // Errors and breakdown metricsets name the transaction (and span) they belong to.
    case transactionSampled, transactionType, transactionName, spanType, spanSubtype

    // Logs.
    case message, logLevel, loggerName, originFunction, originFileName, originFileLine
    case errorType, errorMessage, errorStackTrace, eventDataset, threadName

    // RUM v3: nested in the transaction's line.
    case nestedSpans, nestedMetricsets, parentIndex
    /// The two samples a nested metricset can have.
    case selfTimeCount, selfTimeSumMicroseconds

    // Elements of lists, each list with an `EventFields` of its own while it is read.
    // Exceptions and log records:
    case exceptionMessage, exceptionType, exceptionModule, exceptionCode, exceptionHandled
    case exceptionAttributes, exceptionCause, logMessage, paramMessage
    // Stack frames:
    case frameFilename, frameClassname, frameAbsPath, frameFunction, frameModule, frameLine, frameColumn
    case frameContextLine, framePreContext, framePostContext, frameIsLibrary, frameVars
    // Dropped span statistics (outcome is `outcome`):
    case droppedResource, droppedTargetType, droppedTargetName, droppedCount, droppedSumMicroseconds
    // Samples of a metricset:
    case sampleValue, sampleValues, sampleCounts, sampleType, sampleUnit
}
