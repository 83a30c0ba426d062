/// What transactions, errors and spans say about their surroundings.
extension SchemaV2 {
    /// Of transactions and errors.
    static let context = ObjectSchema([
        Member("tags", .labels, .labels),
        Member("custom", .free, .custom),
        Member("user", user),
        Member("service", service),
        Member("request", request),
        Member(
            "response",
            ObjectSchema(
                response + [
                    Member("finished", .bool, .responseFinished),
                    Member("headers_sent", .bool, .responseHeadersSent),
                ]
            )
        ),
        Member(
            "page",
            ObjectSchema([
                Member("url", .longText, .pageURL),
                Member("referer", .longText, .pageReferer),
            ])
        ),
        Member("message", message),
        Member("cloud", ObjectSchema([Member("origin", cloudOrigin)])),
    ])

    static let spanContext = ObjectSchema([
        Member("tags", .labels, .labels),
        Member("service", service),
        Member(
            "db",
            ObjectSchema([
                Member("instance", .longText, .dbInstance),
                Member("link", .text, .dbLink),
                Member("statement", .longText, .dbStatement),
                Member("type", .longText, .dbType),
                Member("user", .longText, .dbUser),
                Member("rows_affected", .integer, .dbRowsAffected),
            ])
        ),
        Member(
            "destination",
            ObjectSchema([
                Member("address", .text, .destinationAddress),
                Member("port", .integer, .destinationPort),
                Member(
                    "service",
                    ObjectSchema([
                        Member("resource", .text, .destinationServiceResource, .required),
                        Member("name", .text, .destinationServiceName),
                        Member("type", .text, .destinationServiceType),
                    ])
                ),
            ])
        ),
        Member(
            "http",
            ObjectSchema([
                Member("url", .longText, .httpURL),
                Member("method", .text, .httpMethod),
                Member("status_code", .integer, .httpStatusCode),
                Member(
                    "request",
                    ObjectSchema([
                        Member("id", .longText, .httpRequestID),
                        Member("body", .any, .httpRequestBody),
                    ])
                ),
                Member("response", ObjectSchema(response)),
            ])
        ),
        Member("message", message),
    ])

    static let user = ObjectSchema([
        Member("id", .textOrInteger, .userID),
        Member("email", .text, .userEmail),
        Member("username", .text, .userName),
        Member("domain", .text, .userDomain),
    ])

    /// As in metadata, but nothing is required.
    private static let service = ObjectSchema([
        Member("name", .patternText, .serviceName),
        Member("version", .text, .serviceVersion),
        Member("environment", .text, .serviceEnvironment),
        Member("id", .longText, .serviceID),
        Member("node", serviceNode),
        Member(
            "agent",
            ObjectSchema([
                Member("name", .text, .agentName),
                Member("version", .text, .agentVersion),
                Member("ephemeral_id", .text, .agentEphemeralID),
                Member("activation_method", .text, .agentActivationMethod),
            ])
        ),
        Member("framework", framework),
        Member(
            "language",
            ObjectSchema([
                Member("name", .text, .languageName),
                Member("version", .text, .languageVersion),
            ])
        ),
        Member(
            "runtime",
            ObjectSchema([
                Member("name", .text, .runtimeName),
                Member("version", .text, .runtimeVersion),
            ])
        ),
        Member(
            "origin",
            ObjectSchema([
                Member("id", .text, .serviceOriginID),
                Member("name", .text, .serviceOriginName),
                Member("version", .text, .serviceOriginVersion),
            ])
        ),
        Member(
            "target",
            ObjectSchema(
                [Member("type", .text, .serviceTargetType), Member("name", .text, .serviceTargetName)],
                [.anyOf(["type", "name"])]
            )
        ),
    ])

    private static let request = ObjectSchema([
        Member("method", .text, .requestMethod, .required),
        Member(
            "url",
            ObjectSchema([
                Member("full", .text, .urlFull),
                Member("raw", .text, .urlRaw),
                Member("protocol", .text, .urlProtocol),
                Member("hostname", .text, .urlHostname),
                Member("port", .port, .urlPort),
                Member("pathname", .text, .urlPathname),
                Member("search", .text, .urlSearch),
                Member("hash", .text, .urlHash),
            ])
        ),
        Member("headers", .headers, .requestHeaders),
        Member("body", .textOrObject, .requestBody),
        Member("cookies", .free, .requestCookies),
        Member("env", .free, .requestEnv),
        Member("http_version", .text, .httpVersion),
        Member(
            "socket",
            ObjectSchema([
                Member("remote_address", .longText, .socketRemoteAddress),
                Member("encrypted", .bool, .socketEncrypted),
            ])
        ),
    ])

    /// Common to the response of a transaction and that of a span.
    private static let response = [
        Member("status_code", .integer, .responseStatusCode),
        Member("headers", .headers, .responseHeaders),
        Member("transfer_size", .integer, .responseTransferSize),
        Member("encoded_body_size", .integer, .responseEncodedBodySize),
        Member("decoded_body_size", .integer, .responseDecodedBodySize),
    ]

    private static let message = ObjectSchema([
        Member("body", .longText, .messageBody),
        Member("headers", .headers, .messageHeaders),
        Member("queue", ObjectSchema([Member("name", .text, .messageQueueName)])),
        Member("routing_key", .longText, .messageRoutingKey),
        Member("age", ObjectSchema([Member("ms", .integer, .messageAgeMilliseconds)])),
    ])

    private static let cloudOrigin = ObjectSchema([
        Member("account", ObjectSchema([Member("id", .text, .cloudOriginAccountID)])),
        Member("provider", .text, .cloudOriginProvider),
        Member("region", .text, .cloudOriginRegion),
        Member("service", ObjectSchema([Member("name", .text, .cloudOriginServiceName)])),
    ])
}
