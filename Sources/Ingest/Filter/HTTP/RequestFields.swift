import Common

/// Sets what every log of requests tells, whichever server wrote it: request, status, user and client.
struct RequestFields {
    private let webCategory: Range<Int>
    private let accessType: Range<Int>
    private let success: Range<Int>
    private let failure: Range<Int>

    init(event: inout Event) {
        webCategory = event.addConstant(#"["web"]"#)
        accessType = event.addConstant(#"["access"]"#)
        success = event.addConstant(#""success""#)
        failure = event.addConstant(#""failure""#)
    }

    /// Says that the line is about a request.
    @inline(__always)
    func setKind(_ event: inout Event) {
        event.set(.eventCategory, json: webCategory, in: .arena)
        event.set(.eventType, json: accessType, in: .arena)
    }

    /// Sets method, version and URL of a request line such as `GET /a?b=c HTTP/1.1`.
    ///
    /// - Returns: the query, still encoded.
    func setRequest(_ range: Range<Int>, _ line: RawSpan, _ event: inout Event) -> Range<Int>? {
        guard let request = RequestLine(line, range) else { return nil }
        setMethod(request, line, &event)
        guard request.isWellFormed else {
            event.set(.urlOriginal, text: request.target, in: .line)
            return nil
        }
        let isConnect = request.method.map { line.equals("CONNECT", $0) } ?? false
        return URLFields.set(request.target, isAuthority: isConnect, line: line, into: &event)
    }

    /// Sets `http.request.method` and `http.version`.
    @inline(__always)
    func setMethod(_ request: RequestLine, _ line: RawSpan, _ event: inout Event) {
        if let method = request.method { event.set(.httpRequestMethod, text: method, in: .line) }
        if let version = request.version { event.set(.httpVersion, text: version, in: .line) }
    }

    func setStatus(_ value: Range<Int>, _ line: RawSpan, _ event: inout Event) {
        guard let status = Decimal.integer(line, value) else { return }
        event.set(.httpResponseStatusCode, integer: status)
        // nginx writes 000 when it sent no status at all.
        guard status >= 100 else { return }
        event.set(.eventOutcome, json: status < 400 ? success : failure, in: .arena)
    }

    func setUser(_ value: Range<Int>, _ line: RawSpan, _ event: inout Event) {
        event.set(.userName, text: value, in: .line)
        let start = event.arena.count
        event.arena.append("[\"")
        event.arena.append(jsonEscaped: line, value)
        event.arena.append("\"]")
        event.set(.relatedUser, json: start..<event.arena.count, in: .arena)
    }

    /// Sets the client, and answers its address if the text is one.
    @discardableResult
    func setClient(_ text: Range<Int>, _ line: RawSpan, _ event: inout Event) -> IPAddress? {
        event.set(.sourceAddress, text: text, in: .line)
        guard let address = IPAddress(line, text) else { return nil }
        setClientAddress(text, line, &event)
        return address
    }

    /// Sets `source.ip` and `related.ip` to text that is an address.
    func setClientAddress(_ text: Range<Int>, _ line: RawSpan, _ event: inout Event) {
        event.set(.sourceIP, text: text, in: .line)
        let start = event.arena.count
        event.arena.append("[\"")
        event.arena.append(line, text)
        event.arena.append("\"]")
        event.set(.relatedIP, json: start..<event.arena.count, in: .arena)
    }
}
