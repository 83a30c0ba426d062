import Common

/// Attributes of a span: what a client or a producer called.
///
/// Besides its own fields they tell three things of the other side: its network address (`destination`), the service
/// as older versions of Kibana know it (`span.destination.service`) and as newer ones do (`service.target`).
extension OTelBridge {
    func mapSpan(_ fields: inout EventFields) {
        var called = CalledService()
        setAddress(&called)
        setHTTP(&fields, &called)
        if self[.peerService].isGiven {
            called.name = self[.peerService]
            called.resource = self[.peerService]
        }
        switch true {
        case hasAny(.dbSystem, .dbName, .dbStatement, .dbUser): setDatabase(&fields, &called)
        case hasAny(.messagingSystem, .messagingDestination, .messagingOperation):
            setMessaging(&fields, &called)
        case hasAny(.rpcSystem, .rpcService): setRPC(&fields, &called)
        case isHTTP:
            setType("external", subtype: text.compose(.literal("http")), &fields)
            called.targetType = fields[.subtype]
            called.targetName = called.resource
        default: break
        }
        setCalledService(called, &fields)
        _ = setOutcome(&fields, status: .httpStatusCode)
        setSpanKind(&fields)
    }

    private func hasAny(_ known: OTelAttribute...) -> Bool { known.contains { self[$0].isGiven } }

    private var isHTTP: Bool {
        hasAny(.httpURL, .httpTarget, .urlPath, .httpScheme, .httpHost, .httpMethod, .httpStatusCode)
    }

    private func setAddress(_ called: inout CalledService) {
        for attribute in [OTelAttribute.peerName, .peerIP] where self[attribute].isGiven {
            called.address = self[attribute]
            break
        }
        // An address such as `mysql://db:3306` names no host.
        if !called.address.isGiven, text.isHost(self[.peerAddress]) { called.address = self[.peerAddress] }
        called.port = text.integer(self[.peerPort]) ?? 0
    }

    /// The URL tells address and service: `https://example.com` and, with a port in any case, `example.com:443`.
    private func setHTTP(_ fields: inout EventFields, _ called: inout CalledService) {
        guard isHTTP else { return }
        set(.httpMethod, .httpMethod, &fields)
        guard let target = target() else { return }
        guard let url = completeURL(target, called) else {
            fields[.httpURL] = target
            return
        }
        fields[.httpURL] = text.compose(.url(0..<text.urlByteCount))
        guard !url.hostname.isEmpty else { return }
        let scheme = text.compose(.url(url.scheme))
        let hostname = text.compose(.url(url.hostname))
        let host = text.bracketed(hostname)
        let usual = text.usualPort(of: url.scheme)
        called.address = hostname
        called.port = text.integer(ofURL: url.port) ?? usual
        called.resource = text.compose(host: host, port: called.port)
        let shown = called.port == usual ? host : called.resource
        called.name = text.compose(.value(scheme), .literal("://"), .value(shown))
    }

    /// The whole URL: what was sent, or the target of the request line on the host that was called.
    private func completeURL(_ target: FieldValue, _ called: CalledService) -> PageURL? {
        if self[.httpURL].isGiven { return text.setURL(.value(target)) }
        var host = self[.httpHost]
        if !host.isGiven { host = text.compose(host: text.bracketed(called.address), port: called.port) }
        return text.setURL(.value(givenScheme()), .literal("://"), .value(host), .value(target))
    }

    private func setDatabase(_ fields: inout EventFields, _ called: inout CalledService) {
        set(.dbType, .dbSystem, &fields)
        set(.dbInstance, .dbName, &fields)
        set(.dbStatement, .dbStatement, &fields)
        set(.dbUser, .dbUser, &fields)
        setType("db", subtype: self[.dbSystem], &fields)
        called.target(subtype: self[.dbSystem], of: fields[.type])
        called.targetName = self[.dbName]
    }

    private func setMessaging(_ fields: inout EventFields, _ called: inout CalledService) {
        let queue = self[.messagingDestination]
        setMessage(&fields)
        setType("messaging", subtype: self[.messagingSystem], &fields)
        let isProducer = text.isString(fields[.otelSpanKind], equalTo: "PRODUCER")
        fields[.action] = self[.messagingOperation]
        if !fields[.action].isGiven, isProducer { fields[.action] = text.compose(.literal("send")) }
        called.target(subtype: self[.messagingSystem], of: fields[.type])
        if queue.isGiven, called.resource.isGiven {
            called.resource = text.compose(.value(called.resource), .literal("/"), .value(queue))
        }
        // Queues that live for one answer are too many to be told apart.
        if self[.messagingIsTemporary].kind != .true { called.targetName = queue }
    }

    private func setRPC(_ fields: inout EventFields, _ called: inout CalledService) {
        setType("external", subtype: self[.rpcSystem], &fields)
        called.targetType = self[.rpcSystem].isGiven ? self[.rpcSystem] : fields[.type]
        called.targetName = self[.rpcService]
        guard !called.name.isGiven, called.address.isGiven else { return }
        let host = text.bracketed(called.address)
        called.name = text.compose(.value(host), .literal(":"), .number(called.port))
        called.resource = called.name
    }

    private func setType(_ type: StaticString, subtype: FieldValue, _ fields: inout EventFields) {
        fields[.type] = text.compose(.literal(type))
        fields[.subtype] = subtype
        fields[.action] = .absent
    }

    private func setCalledService(_ called: CalledService, _ fields: inout EventFields) {
        if called.address.isGiven {
            fields[.destinationAddress] = called.address
            fields[.destinationPort] = called.port > 0 ? text.number(called.port) : .absent
        }
        if called.resource.isGiven {
            fields[.destinationServiceResource] = called.resource
            fields[.destinationServiceName] = called.name
            fields[.destinationServiceType] = fields[.type]
        }
        if called.targetType.isGiven || called.targetName.isGiven {
            fields[.serviceTargetType] = called.targetType
            fields[.serviceTargetName] = called.targetName
        }
    }

    private func setSpanKind(_ fields: inout EventFields) {
        guard fields[.otelSpanKind].isEmpty else { return }
        // A type that is sent alone has subtype and action behind its points.
        let isWhole = fields[.subtype].isEmpty && fields[.action].isEmpty
        let type = isWhole ? text.firstPart(of: fields[.type]) : fields[.type]
        let isClient = (["db", "external", "storage"] as [StaticString]).contains {
            text.isString(type, equalTo: $0)
        }
        fields[.otelSpanKind] = text.compose(.literal(isClient ? "CLIENT" : "INTERNAL"))
    }
}

/// What the attributes of a span say of the service that it called.
struct CalledService {
    var address = FieldValue.absent
    /// 0 for none.
    var port: Int64 = 0
    /// `span.destination.service`.
    var name = FieldValue.absent
    var resource = FieldValue.absent
    /// `service.target`.
    var targetType = FieldValue.absent
    var targetName = FieldValue.absent

    /// Names a service by what kind of system it is, unless it is named better.
    mutating func target(subtype: FieldValue, of type: FieldValue) {
        targetType = subtype.isGiven ? subtype : type
        guard !name.isGiven, subtype.isGiven else { return }
        name = subtype
        resource = subtype
    }
}
