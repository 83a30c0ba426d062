import Common

/// JSON that follows from a request's metadata alone, so that an event's document is mostly copies.
///
/// Each fragment is members of an object, without commas or braces around them. One buffer holds all.
struct MetadataFragments: Sendable {
    private let bytes: [UInt8]
    private let ends: [Int]

    enum Part: Int, CaseIterable {
        /// `observer`, `host`, `container`, `kubernetes`, `network`: members of the document.
        case fixed
        /// Members of the object of that name.
        case agent, service, process, cloud, user
        /// `labels` and `numeric_labels`, of the document.
        case labels
        /// `user_agent`, and `source` and `client`, of a browser's request, of the document.
        case browser, browserAddress
        /// Parts of keys of roll-ups (`RollUpTables`): how the service is named, without the brace that closes
        /// `service`; then what only keys of transactions have.
        case identity, transactionService, transactionHost
    }

    init(
        _ metadata: borrowing MetadataLine,
        _ host: HostNames,
        _ labels: borrowing MetadataLabels,
        _ request: RequestContext,
        _ settings: MappingSettings,
        _ clients: ClientDetails
    ) {
        var text = ByteBuffer(capacity: 4096)
        var ends: [Int] = []
        for part in Part.allCases {
            let start = text.count
            var fragment = ByteBuffer(capacity: 1024)
            fragment.append(part, metadata, host, labels, request, settings, clients)
            text.append(fragment)
            ends.append(start + fragment.count)
        }
        bytes = text.array
        self.ends = ends
    }

    @inline(__always)
    func range(_ part: Part) -> Range<Int> {
        (part.rawValue == 0 ? 0 : ends[part.rawValue - 1])..<ends[part.rawValue]
    }

    @inline(__always)
    func with<R>(_ part: Part, _ body: (RawSpan) -> R) -> R {
        bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[range(part)]).bytes) }
    }

    fileprivate func append(_ part: Part, to buffer: inout ByteBuffer) {
        let range = range(part)
        guard !range.isEmpty else { return }
        buffer.separate()
        buffer.append(bytes.span.bytes, range)
    }
}

extension ByteBuffer {
    /// Appends a fragment, behind a comma when needed.
    @inline(__always)
    mutating func append(_ part: MetadataFragments.Part, of metadata: RequestMetadata) {
        metadata.fragments.append(part, to: &self)
    }

    fileprivate mutating func append(
        _ part: MetadataFragments.Part,
        _ metadata: borrowing MetadataLine,
        _ host: HostNames,
        _ labels: borrowing MetadataLabels,
        _ request: RequestContext,
        _ settings: MappingSettings,
        _ clients: ClientDetails
    ) {
        let nothing = EventFields.none
        let line = metadata.bytes.span.bytes
        let fields = metadata.fields
        switch part {
        case .fixed:
            appendObserver(settings)
            let showsIP = !request.isRUM && settings.capturesPersonalData
            appendHost(fields, line, host, ip: showsIP ? request.clientIP : "")
            appendContainer(fields, line)
            appendNetwork(fields, line)
        case .agent: appendAgent(nothing, line, metadata)
        case .service: appendService(nothing, line, metadata)
        case .process: appendProcess(fields, line)
        case .cloud: appendCloud(fields, line)
        case .user: appendUser(fields, line)
        case .labels: append(labels)
        case .browser:
            if request.isRUM, settings.capturesPersonalData { appendBrowser(request, clients) }
        case .browserAddress:
            if request.isRUM, settings.capturesPersonalData {
                appendBrowserAddress(request, clients)
            }
        case .identity: appendServiceIdentity(nothing, line, metadata)
        case .transactionService: appendTransactionService(nothing, line, metadata)
        case .transactionHost: appendTransactionHost(fields, line, host)
        }
    }

    private mutating func appendObserver(_ settings: MappingSettings) {
        let observer = openObject(#""observer":"#)
        key(#""hostname":"#)
        append(jsonString: settings.observerHostname)
        key(#""type":"apm-server""#)
        key(#""version":"#)
        append(jsonString: settings.observerVersion)
        closeObject(observer)
    }

    private mutating func appendHost(_ fields: EventFields, _ line: RawSpan, _ host: HostNames, ip: String) {
        let object = openObject(#""host":"#)
        if !ip.isEmpty {
            key(#""ip":["#)
            append(jsonString: ip)
            append(UInt8(ascii: "]"))
        }
        member(#""architecture":"#, fields[.architecture], line)
        member(#""id":"#, fields[.hostID], line)
        member(#""hostname":"#, host.hostname, line)
        member(#""name":"#, host.name, line)
        let system = openObject(#""os":"#)
        member(#""platform":"#, fields[.platform], line)
        closeObject(system)
        closeObject(object)
    }

    private mutating func appendContainer(_ fields: EventFields, _ line: RawSpan) {
        let container = openObject(#""container":"#)
        member(#""id":"#, fields[.containerID], line)
        closeObject(container)
        let kubernetes = openObject(#""kubernetes":"#)
        member(#""namespace":"#, fields[.kubernetesNamespace], line)
        let node = openObject(#""node":"#)
        member(#""name":"#, fields[.kubernetesNodeName], line)
        closeObject(node)
        let pod = openObject(#""pod":"#)
        member(#""name":"#, fields[.kubernetesPodName], line)
        member(#""uid":"#, fields[.kubernetesPodUID], line)
        closeObject(pod)
        closeObject(kubernetes)
    }

    private mutating func appendNetwork(_ fields: EventFields, _ line: RawSpan) {
        let network = openObject(#""network":"#)
        let connection = openObject(#""connection":"#)
        member(#""type":"#, fields[.networkConnectionType], line)
        closeObject(connection)
        closeObject(network)
    }

    private mutating func appendProcess(_ fields: EventFields, _ line: RawSpan) {
        memberUnlessZero(#""pid":"#, fields[.processID], line)
        let parent = openObject(#""parent":"#)
        memberUnlessZero(#""pid":"#, fields[.parentProcessID], line)
        closeObject(parent)
        member(#""title":"#, fields[.processTitle], line)
        listMember(#""args":"#, fields[.processArguments], line)
    }

    /// Dimensions of the transaction roll-up that no event changes.
    private mutating func appendTransactionHost(_ fields: EventFields, _ line: RawSpan, _ host: HostNames) {
        let object = openObject(#""host":"#)
        member(#""hostname":"#, host.hostname, line)
        member(#""name":"#, host.name, line)
        let system = openObject(#""os":"#)
        member(#""platform":"#, fields[.platform], line)
        closeObject(system)
        closeObject(object)
        let container = openObject(#""container":"#)
        member(#""id":"#, fields[.containerID], line)
        closeObject(container)
        let kubernetes = openObject(#""kubernetes":"#)
        let pod = openObject(#""pod":"#)
        member(#""name":"#, fields[.kubernetesPodName], line)
        closeObject(pod)
        closeObject(kubernetes)
        let cloud = openObject(#""cloud":"#)
        appendCloud(fields, line, isKey: true)
        closeObject(cloud)
    }

    /// Members of `cloud`; those that are dimensions of roll-ups when `isKey`.
    private mutating func appendCloud(_ fields: EventFields, _ line: RawSpan, isKey: Bool = false) {
        member(#""provider":"#, fields[.cloudProvider], line)
        member(#""region":"#, fields[.cloudRegion], line)
        member(#""availability_zone":"#, fields[.cloudAvailabilityZone], line)
        appendIDAndName(#""account":"#, fields[.cloudAccountID], fields[.cloudAccountName], line)
        if !isKey {
            appendIDAndName(#""instance":"#, fields[.cloudInstanceID], fields[.cloudInstanceName], line)
        }
        let machine = openObject(#""machine":"#)
        member(#""type":"#, fields[.cloudMachineType], line)
        closeObject(machine)
        appendIDAndName(#""project":"#, fields[.cloudProjectID], fields[.cloudProjectName], line)
        let service = openObject(#""service":"#)
        member(#""name":"#, fields[.cloudServiceName], line)
        closeObject(service)
    }

    private mutating func appendIDAndName(
        _ key: StaticString,
        _ id: FieldValue,
        _ name: FieldValue,
        _ line: RawSpan
    ) {
        let object = openObject(key)
        member(#""id":"#, id, line)
        member(#""name":"#, name, line)
        closeObject(object)
    }

    /// What a request of a browser says of the browser itself.
    private mutating func appendBrowser(_ request: RequestContext, _ clients: ClientDetails) {
        guard !request.userAgent.isEmpty else { return }
        let agent = openObject(#""user_agent":"#)
        key(#""original":"#)
        let start = count + 1
        append(jsonString: request.userAgent)
        clients.append(userAgent: start..<count - 1, to: &self)
        closeObject(agent)
    }

    private mutating func appendBrowserAddress(_ request: RequestContext, _ clients: ClientDetails) {
        guard !request.clientIP.isEmpty else { return }
        let client = openObject(#""client":"#)
        key(#""ip":"#)
        append(jsonString: request.clientIP)
        if let address = IPAddress(request.clientIP) { clients.append(placeOf: address, to: &self) }
        closeObject(client)
        key(#""source":{"ip":"#)
        append(jsonString: request.clientIP)
        if request.clientPort != 0 { member(#""port":"#, Int64(request.clientPort)) }
        if !request.natIP.isEmpty {
            key(#""nat":{"ip":"#)
            append(jsonString: request.natIP)
            append(UInt8(ascii: "}"))
        }
        append(UInt8(ascii: "}"))
    }
}

extension ByteBuffer {
    /// Members of `user`.
    mutating func appendUser(_ fields: EventFields, _ line: RawSpan) {
        textMember(#""id":"#, fields[.userID], line)
        member(#""email":"#, fields[.userEmail], line)
        member(#""name":"#, fields[.userName], line)
        member(#""domain":"#, fields[.userDomain], line)
    }
}

extension EventFields {
    /// An event that says nothing.
    static let none = EventFields()
}
