import Common

/// Attributes of a transaction: what a server or a consumer saw.
extension OTelBridge {
    func mapTransaction(_ fields: inout EventFields, _ metadata: RequestMetadata) {
        set(.type, .type, &fields)
        set(.sessionID, .sessionID, &fields)
        set(.otelProfilerStackTraceIDs, .profilerStackTraceIDs, &fields)
        set(.requestMethod, .httpMethod, &fields)
        if self[.httpVersion].isGiven { fields[.httpVersion] = text.withoutProtocol(self[.httpVersion]) }
        set(.otelUserAgent, .userAgent, &fields)
        setURL(&fields, metadata)
        setPeer(&fields)
        setMessage(&fields)
        setResult(&fields)
        setTransactionKind(&fields)
    }

    /// The URL of the request: sent whole, or in parts without what the client did not say.
    private func setURL(_ fields: inout EventFields, _ metadata: RequestMetadata) {
        guard let original = target() else { return }
        guard var url = text.setURL(.value(original)) else {
            clearURL(&fields)
            fields[.urlRaw] = original
            return
        }
        if url.scheme.isEmpty || url.hostname.isEmpty {
            let scheme = url.scheme.isEmpty ? givenScheme() : text.compose(.url(url.scheme))
            let host = url.authority.isEmpty ? host(metadata) : text.compose(.url(url.authority))
            let rest = text.compose(.url(url.path.lowerBound..<text.urlByteCount))
            guard let whole = text.setURL(.value(scheme), .literal("://"), .value(host), .value(rest)) else {
                clearURL(&fields)
                fields[.urlRaw] = original
                return
            }
            url = whole
        }
        clearURL(&fields)
        fields[.urlRaw] = original
        fields[.urlFull] = text.compose(.url(0..<text.urlByteCount))
        fields[.urlProtocol] = text.compose(.url(url.scheme))
        fields[.urlHostname] = text.compose(.url(url.hostname))
        if let port = text.integer(ofURL: url.port) { fields[.urlPort] = text.number(port) }
        fields[.urlPathname] = text.compose(.decodedURL(url.path))
        fields[.urlSearch] = text.compose(.url(url.query))
        fields[.urlHash] = text.compose(.decodedURL(url.fragment))
    }

    private func clearURL(_ fields: inout EventFields) {
        for field in [
            Field.urlFull, .urlRaw, .urlProtocol, .urlHostname, .urlPort, .urlPathname, .urlSearch, .urlHash,
        ] { fields[field] = .absent }
    }

    /// The URL, or what of it the request line has; nil for none.
    func target() -> FieldValue? {
        for attribute in [OTelAttribute.httpURL, .httpTarget] where self[attribute].isGiven {
            return self[attribute]
        }
        guard self[.urlPath].isGiven else { return nil }
        guard self[.urlQuery].isGiven else { return self[.urlPath] }
        return text.compose(.value(self[.urlPath]), .literal("?"), .value(self[.urlQuery]))
    }

    func givenScheme() -> FieldValue {
        self[.httpScheme].isGiven ? self[.httpScheme] : text.compose(.literal("http"))
    }

    /// The host that was called, with its port.
    private func host(_ metadata: RequestMetadata) -> FieldValue {
        guard !self[.httpHost].isGiven else { return self[.httpHost] }
        var name = self[.httpServerName].isGiven ? self[.httpServerName] : self[.hostName]
        if !name.isGiven {
            name = text.copy(metadata.line.bytes, HostNames(metadata.line.fields).hostname.range)
        }
        // Python's Flask says `server.address: "127.0.0.1:5000"` besides the port.
        return text.compose(host: name, port: text.isHost(name) ? text.integer(self[.hostPort]) ?? 0 : 0)
    }

    /// Who called: the socket's other end, and the client that it speaks for.
    private func setPeer(_ fields: inout EventFields) {
        set(.otelPeerName, .peerName, &fields)
        set(.otelPeerIP, .peerIP, &fields)
        set(.otelPeerPort, .peerPort, &fields)
        set(.otelClientIP, .clientAddress, &fields)
    }

    /// A message that was received or sent: of its fields only the queue's name is known.
    func setMessage(_ fields: inout EventFields) {
        guard self[.messagingDestination].isGiven else { return }
        for field in [Field.messageBody, .messageHeaders, .messageRoutingKey, .messageAgeMilliseconds] {
            fields[field] = .absent
        }
        fields[.messageQueueName] = self[.messagingDestination]
    }

    private func setResult(_ fields: inout EventFields) {
        let isGuess = setOutcome(&fields, status: .responseStatusCode)
        guard fields[.result].isEmpty else { return }
        if let code = text.integer(self[.httpStatusCode]), code > 0 {
            fields[.result] = text.compose(.literal("HTTP "), .number(code / 100), .literal("xx"))
        } else if isGuess {
            fields[.result] = text.compose(.literal("Success"))
        }
    }

    private func setTransactionKind(_ fields: inout EventFields) {
        guard fields[.otelSpanKind].isEmpty else { return }
        let type = fields[.type]
        if text.isString(type, equalTo: "messaging") {
            fields[.otelSpanKind] = text.compose(.literal("CONSUMER"))
        } else if text.isString(type, equalTo: "request") {
            fields[.otelSpanKind] = text.compose(.literal("SERVER"))
        } else {
            fields[.otelSpanKind] = text.compose(.literal("INTERNAL"))
        }
    }
}

extension EventFields {
    /// Whether attributes name the other end of a server's socket.
    var hasOTelPeer: Bool { hasAny(.otelPeerName, .otelPeerIP, .otelPeerPort) }
}

extension ByteBuffer {
    /// Appends the members of `source` or `client` that attributes give.
    ///
    /// - Returns: the address that `ip` was given.
    @discardableResult
    mutating func appendOTelPeer(_ fields: EventFields, _ line: RawSpan) -> IPAddress? {
        member(#""domain":"#, fields[.otelPeerName], line)
        let address = appendOTelAddress(fields[.otelPeerIP], line)
        if let port = fields[.otelPeerPort].integer(line), port > 0 { member(#""port":"#, port) }
        return address
    }

    /// Appends `ip` and returns it; nothing for what is no address.
    mutating func appendOTelAddress(_ value: FieldValue, _ line: RawSpan) -> IPAddress? {
        guard value.kind == .string, let address = IPAddress(line, value.range) else { return nil }
        key(#""ip":""#)
        append(ip: value.range, of: line)
        append(UInt8(ascii: "\""))
        return address
    }
}
