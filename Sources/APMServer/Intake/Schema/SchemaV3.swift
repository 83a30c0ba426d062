/// The objects of RUM v3: intake v2 with short names, a transaction's spans and metrics inside of it.
enum SchemaV3 {
    static let metadata = ObjectSchema([
        Member("se", metadataService, .required),
        Member("u", user),
        Member("l", .labels, .labels),
        Member(
            "n",
            ObjectSchema([
                Member("c", ObjectSchema([Member("t", .text, .networkConnectionType)]))
            ])
        ),
    ])

    static let transaction = ObjectSchema([
        Member("id", .text, .id, .required),
        Member("tid", .text, .traceID, .required),
        Member("pid", .text, .parentID),
        Member("t", .text, .type, .required),
        Member("n", .text, .name),
        Member("d", .positiveNumber, .duration, .required),
        Member("rt", .text, .result),
        Member("sm", .bool, .sampled),
        Member("yc", spanCount, .required),
        Member("sr", .number, .sampleRate),
        Member("o", .outcome, .outcome),
        Member("c", context),
        Member("k", .marks, .marks),
        Member("ses", session),
        Member("exp", experience),
        Member("me", .elements, of: .nestedMetricset, .nestedMetricsets),
        Member("y", .elements, of: .nestedSpan, .nestedSpans),
    ])

    static let error = ObjectSchema(
        [
            Member("id", .text, .id, .required),
            Member("tid", .text, .traceID),
            Member("xid", .text, .transactionID),
            Member("pid", .text, .parentID),
            Member("timestamp", .timestamp, .timestamp),
            Member("cl", .text, .culprit),
            Member("c", context),
            Member(
                "x",
                ObjectSchema([
                    Member("sm", .bool, .transactionSampled),
                    Member("t", .text, .transactionType),
                    Member("n", .text, .transactionName),
                ])
            ),
            Member("ex", .element, of: .exception, .exception),
            Member("log", .element, of: .logRecord, .log),
        ],
        [
            .required("pid", whenAny: ["xid", "tid"]),
            .required("tid", whenAny: ["xid", "pid"]),
            .anyOf(["ex", "log"]),
        ]
    )

    // MARK: - Parts

    private static let metadataService = ObjectSchema([
        Member("n", .serviceName, .serviceName, .required),
        Member("ve", .text, .serviceVersion),
        Member("en", .text, .serviceEnvironment),
        Member(
            "a",
            ObjectSchema([
                Member("n", .someText, .agentName, .required),
                Member("ve", .text, .agentVersion, .required),
            ]),
            .required
        ),
        Member("fw", framework),
        Member(
            "la",
            ObjectSchema([
                Member("n", .text, .languageName, .required),
                Member("ve", .text, .languageVersion),
            ])
        ),
        Member(
            "ru",
            ObjectSchema([
                Member("n", .text, .runtimeName, .required),
                Member("ve", .text, .runtimeVersion, .required),
            ])
        ),
    ])

    /// As in metadata, but nothing is required.
    private static let service = ObjectSchema([
        Member("n", .patternText, .serviceName),
        Member("ve", .text, .serviceVersion),
        Member("en", .text, .serviceEnvironment),
        Member("a", ObjectSchema([Member("n", .text, .agentName), Member("ve", .text, .agentVersion)])),
        Member("fw", framework),
        Member(
            "la",
            ObjectSchema([Member("n", .text, .languageName), Member("ve", .text, .languageVersion)])
        ),
        Member("ru", ObjectSchema([Member("n", .text, .runtimeName), Member("ve", .text, .runtimeVersion)])),
    ])

    private static let framework = ObjectSchema([
        Member("n", .text, .frameworkName),
        Member("ve", .text, .frameworkVersion),
    ])

    private static let user = ObjectSchema([
        Member("id", .textOrInteger, .userID),
        Member("em", .text, .userEmail),
        Member("un", .text, .userName),
        Member("ud", .text, .userDomain),
    ])

    private static let spanCount = ObjectSchema([
        Member("sd", .integer, .spanCountStarted, .required),
        Member("dd", .integer, .spanCountDropped),
    ])

    private static let session = ObjectSchema([
        Member("id", .text, .sessionID, .required),
        Member("seq", .integer(atLeast: 1), .sessionSequence),
    ])

    private static let experience = ObjectSchema([
        Member("cls", .positiveNumber, .experienceCLS),
        Member("fid", .positiveNumber, .experienceFID),
        Member("tbt", .positiveNumber, .experienceTBT),
        Member(
            "lt",
            ObjectSchema([
                Member("count", .integer(atLeast: 0), .longtaskCount, .required),
                Member("sum", .positiveNumber, .longtaskSum, .required),
                Member("max", .positiveNumber, .longtaskMax, .required),
            ])
        ),
    ])

    private static let context = ObjectSchema([
        Member("g", .labels, .labels),
        Member("cu", .free, .custom),
        Member("u", user),
        Member("se", service),
        Member(
            "q",
            ObjectSchema([
                Member("mt", .text, .requestMethod, .required),
                Member("hve", .text, .httpVersion),
                Member("he", .headers, .requestHeaders),
                Member("en", .free, .requestEnv),
            ])
        ),
        Member(
            "r",
            ObjectSchema([
                Member("sc", .integer, .responseStatusCode),
                Member("he", .headers, .responseHeaders),
                Member("ts", .integer, .responseTransferSize),
                Member("ebs", .integer, .responseEncodedBodySize),
                Member("dbs", .integer, .responseDecodedBodySize),
            ])
        ),
        Member(
            "p",
            ObjectSchema([
                Member("url", .longText, .pageURL),
                Member("rf", .longText, .pageReferer),
            ])
        ),
    ])
}
