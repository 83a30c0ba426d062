import Common

/// Turns the variables of an access log's line into ECS fields.
///
/// Source of the names: ECS, and the Filebeat nginx module where it has one.
struct NginxAccessFilter {
    /// What is collected while the variables of a line are taken one by one.
    struct State {
        fileprivate var facts = LineFacts()
        fileprivate var target = Target()
        /// How precise the time is that was found.
        fileprivate var precision = 0
    }

    /// Whether an empty header was sent as such: where a missing one is `-`.
    private let marksMissing: Bool
    /// Whether addresses may be quoted, as in `"$http_x_forwarded_for" $remote_addr` where the format has one.
    private let skipsQuotes: Bool
    private let fields: RequestFields
    private let remoteAddresses: FieldID?
    private let tls: Range<Int>
    private let ssl: Range<Int>
    private let http: Range<Int>
    private let https: Range<Int>
    private var address: ClientAddress
    /// The variables of each line, and their fields where ECS has none; none for lines that name their values.
    private var steps: [NginxLogFormat.Step] = []
    private var others: [FieldID?] = []

    /// A filter for lines of one format.
    init(
        format: NginxLogFormat,
        remoteAddresses: String = ECSField.nginxRemoteIPList.name,
        trustedProxies: [IPNetwork],
        event: inout Event
    ) {
        self.init(
            escape: format.escape,
            remoteAddresses: remoteAddresses,
            trustedProxies: trustedProxies,
            event: &event
        )
        let table = event.table
        steps = format.steps
        others = zip(format.steps, format.names).map { step, name in
            step.variable == .other
                ? table.id(named: NginxLogFormat.field(of: name, in: format.object)) : nil
        }
    }

    /// - Parameter remoteAddresses: the field for all addresses between client and server; nil where it is not known.
    init(
        escape: NginxLogFormat.Escape,
        remoteAddresses: String,
        trustedProxies: [IPNetwork],
        event: inout Event
    ) {
        marksMissing = escape.marksMissing
        skipsQuotes = escape == .default
        self.remoteAddresses = event.table.id(named: remoteAddresses)
        fields = RequestFields(event: &event)
        tls = event.addConstant(#""tls""#)
        ssl = event.addConstant(#""ssl""#)
        http = event.addConstant(#""http""#)
        https = event.addConstant(#""https""#)
        address = ClientAddress(trusted: trustedProxies)
    }

    /// Sets the fields of a line.
    ///
    /// - Parameter values: where the variables stand in `line`, in the order of the format.
    mutating func apply(_ values: [Range<Int>], of line: RawSpan, to event: inout Event) -> LineFacts {
        var state = begin(&event)
        for index in steps.indices {
            take(steps[index].variable, values[index], other: others[index], line, &state, &event)
        }
        return finish(state, line, &event)
    }

    /// Begins a line: `take` each variable, then `finish`.
    @inline(__always)
    mutating func begin(_ event: inout Event) -> State {
        address.reset()
        fields.setKind(&event)
        return State()
    }

    /// Takes the value of one variable.
    ///
    /// - Parameter other: its field if it has none in ECS.
    @inline(__always)
    func take(
        _ variable: NginxVariable,
        _ value: Range<Int>,
        other: FieldID?,
        _ line: RawSpan,
        _ state: inout State,
        _ event: inout Event
    ) {
        let isMissing = line.isMissing(value)
        switch variable {
        case .text(.userAgentOriginal):
            guard isPresent(value, line) else { return }
            event.set(.userAgentOriginal, text: value, in: .line)
            if !value.isEmpty { state.facts.userAgent = value }
        case .text(.httpRequestReferrer):
            guard isPresent(value, line) else { return }
            event.set(.httpRequestReferrer, text: value, in: .line)
            if !value.isEmpty { state.facts.referrer = value }
        case _ where isMissing: return
        case .address(let place): state.target.addresses.set(place, value)
        case .remoteUser: fields.setUser(value, line, &event)
        case .timeLocal: note(LogTime.local(line, value), value, 1, &state)
        case .timeISO8601: note(CalendarTime.parse(iso8601: line, value), value, 2, &state)
        case .milliseconds: note(LogTime.seconds(line, value), value, 3, &state)
        case .request: state.target.request = RequestLine(line, value)
        case .requestURI: state.target.uri = value
        case .path: state.target.path = value
        case .isArguments, .ignored: return
        case .arguments: state.target.arguments = value
        case .host: state.target.host = value
        case .protocolVersion: setVersion(value, line, &event)
        case .https: state.target.isTLS = line.equals("on", value)
        case .status: fields.setStatus(value, line, &event)
        case .duration(let scale):
            guard let duration = Decimal.scaled(line, value, scale: scale), duration >= 0 else { return }
            event.set(.eventDuration, integer: duration)
        case .serverAddress:
            if IPAddress(line, value) != nil { event.set(.serverIP, text: value, in: .line) }
        case .traceParent: setTrace(value, line, &event)
        case .tlsProtocol: setTLS(value, line, &event)
        case .integer(let field):
            if let number = Decimal.integer(line, value) { event.set(field, integer: number) }
        case .text(let field): event.set(field, text: value, in: .line)
        case .upstream(let field, let element):
            let start = event.arena.count
            if UpstreamList.append(line, value, of: element, to: &event.arena) {
                event.set(field, json: start..<event.arena.count, in: .arena)
            }
        case .other:
            if let other { event.set(other, text: value, in: .line) }
        }
    }

    /// Sets what several variables tell together.
    @inline(__always)
    mutating func finish(_ state: State, _ line: RawSpan, _ event: inout Event) -> LineFacts {
        var facts = state.facts
        facts.query = setURL(state.target, line, &event)
        setClient(state.target.addresses, line, &event, &facts)
        return facts
    }

    private func isPresent(_ value: Range<Int>, _ line: RawSpan) -> Bool {
        value.isEmpty ? marksMissing : !line.isMissing(value)
    }

    @inline(__always)
    private func note(_ time: CalendarTime?, _ value: Range<Int>, _ rank: Int, _ state: inout State) {
        guard let time else {
            state.facts.badTime = value
            return
        }
        guard rank > state.precision else { return }
        state.precision = rank
        state.facts.time = time
    }

    /// Takes the number out of `HTTP/1.1`.
    private func setVersion(_ value: Range<Int>, _ line: RawSpan, _ event: inout Event) {
        let isHTTP = line.has("HTTP/", at: value.lowerBound) && value.count > 5
        event.set(.httpVersion, text: isHTTP ? value.lowerBound + 5..<value.upperBound : value, in: .line)
    }

    /// Takes `VERSION-TRACE-PARENT-FLAGS` apart.
    ///
    /// Source: W3C Trace Context, section 3.2.
    private func setTrace(_ value: Range<Int>, _ line: RawSpan, _ event: inout Event) {
        let start = value.lowerBound
        guard value.count >= 55, line[start + 2] == UInt8(ascii: "-"), line[start + 35] == UInt8(ascii: "-"),
            line[start + 52] == UInt8(ascii: "-"), line.areHexadecimal(start + 3..<start + 35),
            line.areHexadecimal(start + 36..<start + 52)
        else { return }
        event.set(.traceID, text: start + 3..<start + 35, in: .line)
        event.set(.transactionID, text: start + 36..<start + 52, in: .line)
    }

    /// Takes `TLSv1.3` or `SSLv3` apart.
    private func setTLS(_ value: Range<Int>, _ line: RawSpan, _ event: inout Event) {
        let isTLS = line.has("TLSv", at: value.lowerBound)
        guard value.count > 4, isTLS || line.has("SSLv", at: value.lowerBound) else { return }
        event.set(.tlsVersion, text: value.lowerBound + 4..<value.upperBound, in: .line)
        event.set(.tlsVersionProtocol, json: isTLS ? tls : ssl, in: .arena)
    }

    // MARK: - URL

    /// The variables that together say what was asked for.
    fileprivate struct Target {
        var request: RequestLine?
        var uri: Range<Int>?
        var path: Range<Int>?
        var arguments: Range<Int>?
        var host: Range<Int>?
        var isTLS: Bool?
        var addresses = Addresses()
    }

    /// - Returns: the query, still encoded.
    private func setURL(_ target: Target, _ line: RawSpan, _ event: inout Event) -> Range<Int>? {
        if let isTLS = target.isTLS { event.set(.urlScheme, json: isTLS ? https : http, in: .arena) }
        if let host = target.host {
            let parts = URLParts(line, host, isAuthority: true)
            if let domain = parts.domain { event.set(.urlDomain, text: domain, in: .line) }
            if let port = parts.port { event.set(.urlPort, integer: port) }
        }
        if let request = target.request { fields.setMethod(request, line, &event) }
        if let uri = target.uri ?? target.request?.target {
            guard target.uri != nil || target.request?.isWellFormed == true else {
                event.set(.urlOriginal, text: uri, in: .line)
                return nil
            }
            let isConnect = target.request?.method.map { line.equals("CONNECT", $0) } ?? false
            return URLFields.set(uri, isAuthority: isConnect, line: line, into: &event)
        }
        if let path = target.path {
            setURL(path: path, arguments: target.arguments, line, &event)
        } else if let arguments = target.arguments {
            URLFields.decode(arguments, as: .urlQuery, line: line, into: &event)
        }
        return target.arguments
    }

    /// From `$uri` and `$args`, where nginx has decoded the path already.
    private func setURL(
        path: Range<Int>,
        arguments: Range<Int>?,
        _ line: RawSpan,
        _ event: inout Event
    ) {
        URLFields.setPath(path, isEncoded: false, line: line, into: &event)
        guard let arguments else {
            event.set(.urlOriginal, text: path, in: .line)
            return
        }
        URLFields.decode(arguments, as: .urlQuery, line: line, into: &event)
        let start = event.arena.count
        event.arena.append(line, path)
        event.arena.append(UInt8(ascii: "?"))
        event.arena.append(line, arguments)
        event.set(.urlOriginal, text: start..<event.arena.count, in: .arena)
    }

    // MARK: - Client

    fileprivate struct Addresses {
        var forwardedFor: Range<Int>?
        var proxyProtocol: Range<Int>?
        var remote: Range<Int>?
        var realIP: Range<Int>?

        mutating func set(_ place: NginxVariable.Address, _ value: Range<Int>) {
            switch place {
            case .forwardedFor: forwardedFor = value
            case .proxyProtocol: proxyProtocol = value
            case .remote: remote = value
            case .realIP: realIP = value
            }
        }
    }

    private mutating func setClient(
        _ addresses: Addresses,
        _ line: RawSpan,
        _ event: inout Event,
        _ facts: inout LineFacts
    ) {
        if let value = addresses.forwardedFor { address.append(line, value) }
        if let value = addresses.proxyProtocol { address.append(line, value) }
        // With the realip module, `$remote_addr` is what a trusted proxy said, and `$realip_remote_addr` is that proxy.
        if let value = addresses.remote {
            address.append(line, value, skipsQuotes: skipsQuotes)
        }
        if addresses.remote == nil, let value = addresses.realIP { address.append(line, value) }
        guard let client = address.client(line) else { return }
        event.set(.sourceAddress, text: client.text, in: .line)
        if let port = client.port, !event.has(.sourcePort) { event.set(.sourcePort, integer: port) }
        facts.client = client.address
        if let remoteAddresses { setChain(remoteAddresses, line, &event) }
        if client.address != nil { fields.setClientAddress(client.text, line, &event) }
    }

    private func setChain(_ field: FieldID, _ line: RawSpan, _ event: inout Event) {
        let start = event.arena.count
        event.arena.append(UInt8(ascii: "["))
        for (index, element) in address.chain.enumerated() {
            event.arena.append(index == 0 ? "\"" : ",\"")
            event.arena.append(jsonEscaped: line, element)
            event.arena.append(UInt8(ascii: "\""))
        }
        event.arena.append(UInt8(ascii: "]"))
        event.set(field, json: start..<event.arena.count, in: .arena)
    }
}

extension RawSpan {
    /// Whether a variable had no value.
    @inline(__always)
    fileprivate func isMissing(_ range: Range<Int>) -> Bool {
        range.isEmpty || (range.count == 1 && self[range.lowerBound] == UInt8(ascii: "-"))
    }

    fileprivate func areHexadecimal(_ range: Range<Int>) -> Bool {
        for index in range where Hexadecimal.value(self[index]) == nil { return false }
        return true
    }
}
