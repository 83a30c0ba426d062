extension SchemaV2 {
    static let metadata = ObjectSchema([
        Member("labels", .labels, .labels),
        Member("service", metadataService, .required),
        Member(
            "process",
            ObjectSchema([
                Member("pid", .integer, .processID, .required),
                Member("ppid", .integer, .parentProcessID),
                Member("title", .text, .processTitle),
                Member("argv", .longTexts, .processArguments),
            ])
        ),
        Member("system", system),
        Member("cloud", cloud),
        Member("user", user),
        Member(
            "network",
            ObjectSchema([
                Member("connection", ObjectSchema([Member("type", .text, .networkConnectionType)]))
            ])
        ),
    ])

    private static let metadataService = ObjectSchema([
        Member("name", .serviceName, .serviceName, .required),
        Member("version", .text, .serviceVersion),
        Member("environment", .text, .serviceEnvironment),
        Member("id", .longText, .serviceID),
        Member("node", serviceNode),
        Member(
            "agent",
            ObjectSchema([
                Member("name", .someText, .agentName, .required),
                Member("version", .text, .agentVersion, .required),
                Member("ephemeral_id", .text, .agentEphemeralID),
                Member("activation_method", .text, .agentActivationMethod),
            ]),
            .required
        ),
        Member("framework", framework),
        Member(
            "language",
            ObjectSchema([
                Member("name", .text, .languageName, .required),
                Member("version", .text, .languageVersion),
            ])
        ),
        Member(
            "runtime",
            ObjectSchema([
                Member("name", .text, .runtimeName, .required),
                Member("version", .text, .runtimeVersion, .required),
            ])
        ),
    ])

    static let serviceNode = ObjectSchema([Member("configured_name", .text, .serviceNodeName)])

    static let framework = ObjectSchema([
        Member("name", .text, .frameworkName),
        Member("version", .text, .frameworkVersion),
    ])

    private static let system = ObjectSchema([
        Member("architecture", .text, .architecture),
        Member("detected_hostname", .text, .detectedHostname),
        Member("configured_hostname", .text, .configuredHostname),
        Member("hostname", .text, .hostname),
        Member("platform", .text, .platform),
        Member("host_id", .text, .hostID),
        Member("container", ObjectSchema([Member("id", .text, .containerID)])),
        Member(
            "kubernetes",
            ObjectSchema([
                Member("namespace", .text, .kubernetesNamespace),
                Member("node", ObjectSchema([Member("name", .text, .kubernetesNodeName)])),
                Member(
                    "pod",
                    ObjectSchema([
                        Member("name", .text, .kubernetesPodName),
                        Member("uid", .text, .kubernetesPodUID),
                    ])
                ),
            ])
        ),
    ])

    private static let cloud = ObjectSchema([
        Member("provider", .text, .cloudProvider, .required),
        Member("region", .text, .cloudRegion),
        Member("availability_zone", .text, .cloudAvailabilityZone),
        Member(
            "account",
            ObjectSchema([
                Member("id", .text, .cloudAccountID), Member("name", .text, .cloudAccountName),
            ])
        ),
        Member(
            "instance",
            ObjectSchema([
                Member("id", .text, .cloudInstanceID), Member("name", .text, .cloudInstanceName),
            ])
        ),
        Member("machine", ObjectSchema([Member("type", .text, .cloudMachineType)])),
        Member(
            "project",
            ObjectSchema([
                Member("id", .text, .cloudProjectID), Member("name", .text, .cloudProjectName),
            ])
        ),
        Member("service", ObjectSchema([Member("name", .text, .cloudServiceName)])),
    ])
}
