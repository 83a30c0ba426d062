import Common

/// Turns the variables that `NginxScanner` cut out of a line into ECS fields.
///
/// Source of the names: ECS, and the Filebeat nginx module where it has one.
struct NginxAccessFilter {
    /// What later steps need to know about a line.
    struct Result {
        /// The most precise of the times in the line; nil if there is none, or none is valid.
        var time: CalendarTime?
        /// A time that is there but is no date.
        var badTime: Range<Int>?
        /// The client, if it is known by an address.
        var client: IPAddress?
        var userAgent: Range<Int>?
        var referrer: Range<Int>?
    }

    private let format: NginxLogFormat
    /// For each variable without a field of its own, its field.
    private let others: [FieldID?]
    private let webCategory: Range<Int>
    private let accessType: Range<Int>
    private let success: Range<Int>
    private let failure: Range<Int>
    private let tls: Range<Int>
    private let ssl: Range<Int>
    private let http: Range<Int>
    private let https: Range<Int>
    private var address: ClientAddress

    init(format: NginxLogFormat, trustedProxies: [IPNetwork], event: inout Event) {
        self.format = format
        let table = event.table
        others = zip(format.steps, format.names).map { step, name in
            step.variable == .other ? table.id(named: Self.fieldName(name)) : nil
        }
        webCategory = event.addConstant(#"["web"]"#)
        accessType = event.addConstant(#"["access"]"#)
        success = event.addConstant(#""success""#)
        failure = event.addConstant(#""failure""#)
        tls = event.addConstant(#""tls""#)
        ssl = event.addConstant(#""ssl""#)
        http = event.addConstant(#""http""#)
        https = event.addConstant(#""https""#)
        address = ClientAddress(trusted: trustedProxies)
    }

    /// The field of a variable that has none in ECS.
    static func fieldName(_ variable: String) -> String {
        // These names are objects already.
        variable == "upstream" || variable == "connection"
            ? "nginx.access.\(variable)_value" : "nginx.access.\(variable)"
    }

    /// Sets the fields of a line.
    ///
    /// - Parameter values: where the variables stand in `line`, in the order of the format.
    mutating func apply(_ values: [Range<Int>], of line: RawSpan, to event: inout Event) -> Result {
        var result = Result()
        var target = Target()
        var precision = 0
        address.reset()
        event.set(.eventCategory, json: webCategory, in: .arena)
        event.set(.eventType, json: accessType, in: .arena)
        for index in format.steps.indices {
            let value = values[index]
            let isMissing = line.isMissing(value)
            switch format.steps[index].variable {
            case .text(.userAgentOriginal):
                guard isPresent(value, line) else { continue }
                event.set(.userAgentOriginal, text: value, in: .line)
                if !value.isEmpty { result.userAgent = value }
            case .text(.httpRequestReferrer):
                guard isPresent(value, line) else { continue }
                event.set(.httpRequestReferrer, text: value, in: .line)
                if !value.isEmpty { result.referrer = value }
            case _ where isMissing: continue
            case .address(let place): target.addresses.set(place, value)
            case .remoteUser: setUser(value, line, &event)
            case .timeLocal: note(LogTime.local(line, value), value, 1, &precision, &result)
            case .timeISO8601:
                note(CalendarTime.parse(iso8601: line, value), value, 2, &precision, &result)
            case .milliseconds: note(LogTime.seconds(line, value), value, 3, &precision, &result)
            case .request: target.request = RequestLine(line, value)
            case .requestURI: target.uri = value
            case .path: target.path = value
            case .isArguments: continue
            case .arguments: target.arguments = value
            case .host: target.host = value
            case .protocolVersion: setVersion(value, line, &event)
            case .https: target.isTLS = line.equals("on", value)
            case .status: setStatus(value, line, &event)
            case .requestTime:
                guard let duration = Decimal.scaled(line, value, scale: 9), duration >= 0 else { continue }
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
                if let field = others[index] { event.set(field, text: value, in: .line) }
            }
        }
        setURL(target, line, &event)
        setClient(target.addresses, line, &event, &result)
        return result
    }

    /// Whether a header was sent: an empty one shows only with escape=default, where a missing one is `-`.
    private func isPresent(_ value: Range<Int>, _ line: RawSpan) -> Bool {
        value.isEmpty ? format.escape == .default : !line.isMissing(value)
    }

    private func note(
        _ time: CalendarTime?,
        _ value: Range<Int>,
        _ rank: Int,
        _ precision: inout Int,
        _ result: inout Result
    ) {
        guard let time else {
            result.badTime = value
            return
        }
        guard rank > precision else { return }
        precision = rank
        result.time = time
    }

    private func setUser(_ value: Range<Int>, _ line: RawSpan, _ event: inout Event) {
        event.set(.userName, text: value, in: .line)
        let start = event.arena.count
        event.arena.append("[\"")
        event.arena.append(jsonEscaped: line, value)
        event.arena.append("\"]")
        event.set(.relatedUser, json: start..<event.arena.count, in: .arena)
    }

    /// Takes the number out of `HTTP/1.1`.
    private func setVersion(_ value: Range<Int>, _ line: RawSpan, _ event: inout Event) {
        let isHTTP = line.has("HTTP/", at: value.lowerBound) && value.count > 5
        event.set(.httpVersion, text: isHTTP ? value.lowerBound + 5..<value.upperBound : value, in: .line)
    }

    private func setStatus(_ value: Range<Int>, _ line: RawSpan, _ event: inout Event) {
        guard let status = Decimal.integer(line, value) else { return }
        event.set(.httpResponseStatusCode, integer: status)
        // nginx writes 000 when it sent no status at all.
        guard status >= 100 else { return }
        event.set(.eventOutcome, json: status < 400 ? success : failure, in: .arena)
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
    private struct Target {
        var request: RequestLine?
        var uri: Range<Int>?
        var path: Range<Int>?
        var arguments: Range<Int>?
        var host: Range<Int>?
        var isTLS: Bool?
        var addresses = Addresses()
    }

    private func setURL(_ target: Target, _ line: RawSpan, _ event: inout Event) {
        if let isTLS = target.isTLS { event.set(.urlScheme, json: isTLS ? https : http, in: .arena) }
        if let host = target.host {
            let parts = URLParts(line, host, isAuthority: true)
            if let domain = parts.domain { event.set(.urlDomain, text: domain, in: .line) }
            if let port = parts.port { event.set(.urlPort, integer: port) }
        }
        if let request = target.request {
            if let method = request.method { event.set(.httpRequestMethod, text: method, in: .line) }
            if let version = request.version { event.set(.httpVersion, text: version, in: .line) }
        }
        if let uri = target.uri ?? target.request?.target {
            guard target.uri != nil || target.request?.isWellFormed == true else {
                event.set(.urlOriginal, text: uri, in: .line)
                return
            }
            let isConnect = target.request?.method.map { line.equals("CONNECT", $0) } ?? false
            URLFields.set(uri, isAuthority: isConnect, line: line, into: &event)
        } else if let path = target.path {
            setURL(path: path, arguments: target.arguments, line, &event)
        } else if let arguments = target.arguments {
            URLFields.decode(arguments, as: .urlQuery, line: line, into: &event)
        }
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

    private struct Addresses {
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
        _ result: inout Result
    ) {
        if let value = addresses.forwardedFor { address.append(line, value) }
        if let value = addresses.proxyProtocol { address.append(line, value) }
        // With the realip module, `$remote_addr` is what a trusted proxy said, and `$realip_remote_addr` is that proxy.
        if let value = addresses.remote {
            address.append(line, value, skipsQuotes: format.escape == .default)
        }
        if addresses.remote == nil, let value = addresses.realIP { address.append(line, value) }
        guard let client = address.client(line) else { return }
        event.set(.sourceAddress, text: client.text, in: .line)
        if let port = client.port, !event.has(.sourcePort) { event.set(.sourcePort, integer: port) }
        result.client = client.address
        let start = event.arena.count
        event.arena.append(UInt8(ascii: "["))
        for (index, element) in address.chain.enumerated() {
            event.arena.append(index == 0 ? "\"" : ",\"")
            event.arena.append(jsonEscaped: line, element)
            event.arena.append(UInt8(ascii: "\""))
        }
        event.arena.append(UInt8(ascii: "]"))
        event.set(.nginxRemoteIPList, json: start..<event.arena.count, in: .arena)
        guard client.address != nil else { return }
        event.set(.sourceIP, text: client.text, in: .line)
        let ipStart = event.arena.count
        event.arena.append("[\"")
        event.arena.append(line, client.text)
        event.arena.append("\"]")
        event.set(.relatedIP, json: ipStart..<event.arena.count, in: .arena)
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
