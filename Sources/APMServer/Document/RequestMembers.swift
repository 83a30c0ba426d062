import Common

/// What transactions and errors say of the request that they served.
extension EventMapper {
    /// Appends `http`, `url`, `user_agent`, `source` and `client`.
    func appendRequest(
        _ fields: EventFields,
        _ line: RawSpan,
        _ metadata: RequestMetadata,
        into document: inout ByteBuffer
    ) {
        let headers = appendHTTP(fields, line, into: &document)
        appendURL(fields, line, into: &document)
        if fields[.otelUserAgent].isGiven {
            let agent = document.openObject(#""user_agent":"#)
            document.member(#""original":"#, fields[.otelUserAgent], line)
            if fields[.otelUserAgent].isString {
                let end = document.count - 1
                clients.append(userAgent: end - fields[.otelUserAgent].range.count..<end, to: &document)
            }
            document.closeObject(agent)
        } else {
            appendUserAgent(headers, line, metadata, into: &document)
        }
        appendClient(headers, fields, line, metadata, into: &document)
    }

    /// - Returns: the request's headers that tell of the client.
    private func appendHTTP(
        _ fields: EventFields,
        _ line: RawSpan,
        into document: inout ByteBuffer
    ) -> ClientHeaders {
        let http = document.openObject(#""http":"#)
        document.member(#""version":"#, fields[.httpVersion], line)
        let request = document.openObject(#""request":"#)
        document.member(#""method":"#, fields[.requestMethod], line)
        document.member(#""referrer":"#, fields[.pageReferer], line)
        let client = document.headers(#""headers":"#, fields[.requestHeaders], line, &memberKeys)
        document.freeForm(#""env":"#, fields[.requestEnv], line)
        document.freeForm(#""cookies":"#, fields[.requestCookies], line)
        let body = document.openObject(#""body":"#)
        document.freeForm(#""original":"#, fields[.requestBody], line)
        document.closeObject(body)
        document.closeObject(request)
        appendResponse(fields, status: fields[.responseStatusCode], line, into: &document)
        document.closeObject(http)
        return client
    }

    /// Appends the member `response` of `http`.
    func appendResponse(
        _ fields: EventFields,
        status: FieldValue,
        _ line: RawSpan,
        into document: inout ByteBuffer
    ) {
        let response = document.openObject(#""response":"#)
        document.memberUnlessZero(#""status_code":"#, status, line)
        document.member(#""finished":"#, fields[.responseFinished], line)
        document.member(#""headers_sent":"#, fields[.responseHeadersSent], line)
        document.member(#""transfer_size":"#, fields[.responseTransferSize], line)
        document.member(#""encoded_body_size":"#, fields[.responseEncodedBodySize], line)
        document.member(#""decoded_body_size":"#, fields[.responseDecodedBodySize], line)
        document.headers(#""headers":"#, fields[.responseHeaders], line, &memberKeys)
        document.closeObject(response)
    }

    /// The browser that a captured request names, several values joined; else the one that sent the event.
    private func appendUserAgent(
        _ headers: ClientHeaders,
        _ line: RawSpan,
        _ metadata: RequestMetadata,
        into document: inout ByteBuffer
    ) {
        let mark = document.count
        document.key(#""user_agent":{"original":""#)
        let start = document.count
        if headers.userAgent.kind == .array {
            var list = ListReader(headers.userAgent)
            while let value = list.next(line) {
                if document.count > start { document.append(", " as StaticString) }
                document.append(line, value.range)
            }
        } else if headers.userAgent.isString {
            document.append(line, headers.userAgent.range)
        }
        if document.count > start {
            let original = start..<document.count
            document.append(UInt8(ascii: "\""))
            clients.append(userAgent: original, to: &document)
            document.append(UInt8(ascii: "}"))
        } else {
            document.truncate(to: mark)
            document.append(.browser, of: metadata)
        }
    }

    /// A browser's own request says best who the client is; else the captured request does: its socket, unless a
    /// proxy's header names another client, the socket's address then being `source.nat.ip`.
    private func appendClient(
        _ headers: ClientHeaders,
        _ fields: EventFields,
        _ line: RawSpan,
        _ metadata: RequestMetadata,
        into document: inout ByteBuffer
    ) {
        guard metadata.fragments.range(.browserAddress).isEmpty else {
            document.append(.browserAddress, of: metadata)
            return
        }
        socketAddress.read(socket: fields[.socketRemoteAddress], line)
        proxiedAddress.read(headers, line)
        let client = document.openObject(#""client":"#)
        let isProxied = proxiedAddress.isKnown
        let address: IPAddress?
        if isProxied {
            proxiedAddress.append(to: &document)
            address = proxiedAddress.address
        } else if socketAddress.isKnown {
            socketAddress.append(to: &document, withPort: false)
            address = socketAddress.address
        } else if fields[.otelClientIP].isGiven {
            address = document.appendOTelAddress(fields[.otelClientIP], line)
        } else {
            address = document.appendOTelPeer(fields, line)
        }
        if let address { clients.append(placeOf: address, to: &document) }
        document.closeObject(client)
        let source = document.openObject(#""source":"#)
        if fields.hasOTelPeer {
            document.appendOTelPeer(fields, line)
        } else if isProxied {
            proxiedAddress.append(to: &document)
            let nat = document.openObject(#""nat":"#)
            if socketAddress.isKnown { socketAddress.append(to: &document, withPort: false) }
            document.closeObject(nat)
        } else if socketAddress.isKnown {
            socketAddress.append(to: &document)
        }
        document.closeObject(source)
    }
}
