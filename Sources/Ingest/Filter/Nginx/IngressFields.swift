import Common

/// Gives lines of Kubernetes' ingress-nginx the fields that the Filebeat module has for them, below
/// `nginx.ingress_controller`.
struct IngressFields {
    /// `log-format-upstream` of ingress-nginx.
    static let logFormat =
        NginxLogFormat.combined
        + " $request_length $request_time [$proxy_upstream_name] [$proxy_alternative_upstream_name] $upstream_addr"
        + " $upstream_response_length $upstream_response_time $upstream_status $req_id"

    /// Before 0.26: with the address that the controller took for the client's.
    static let oldLogFormat =
        "$the_real_ip - [$the_real_ip] - $remote_user [$time_local] \"$request\" $status $body_bytes_sent"
        + " \"$http_referer\" \"$http_user_agent\" $request_length $request_time [$proxy_upstream_name]"
        + " $upstream_addr $upstream_response_length $upstream_response_time $upstream_status $req_id"

    /// Variables that only the controller has.
    static let variables: [String: NginxVariable] = [
        "the_real_ip": .address(.remote),
        "proxy_upstream_name": .text(.ingressUpstreamName),
        "proxy_alternative_upstream_name": .text(.ingressUpstreamAlternativeName),
        "req_id": .text(.httpRequestID),
    ]

    private let info: Range<Int>

    init(event: inout Event) { info = event.addConstant(#"["info"]"#) }

    /// Adds to an event that has the fields of an access log.
    ///
    /// - Parameter values: where the variables of `steps` stand in `line`.
    func apply(
        _ steps: [NginxLogFormat.Step],
        _ values: [Range<Int>],
        _ line: RawSpan,
        _ event: inout Event
    ) {
        event.set(.eventType, json: info, in: .arena)
        event.move(.nginxRemoteIPList, to: .ingressRemoteIPList)
        for (step, value) in zip(steps, values) {
            switch step.variable {
            case .text(.httpRequestID): set(.ingressRequestID, value, line, &event)
            case .integer(.httpRequestBytes):
                if let length = Decimal.integer(line, value) {
                    event.set(.ingressRequestLength, integer: length)
                }
            case .duration: setTime(.ingressRequestTime, Decimal.scaled(line, value, scale: 9), &event)
            case .upstream(let field, _): setUpstream(field, value, line, &event)
            default: continue
            }
        }
    }

    private func set(_ field: ECSField, _ value: Range<Int>, _ line: RawSpan, _ event: inout Event) {
        guard !value.isEmpty, !line.equals("-", value) else { return }
        event.set(field, text: value, in: .line)
    }

    /// Sets seconds with a fraction.
    private func setTime(_ field: ECSField, _ nanoseconds: Int64?, _ event: inout Event) {
        guard let nanoseconds, nanoseconds >= 0 else { return }
        let start = event.arena.count
        event.arena.append(number: Double(nanoseconds / 1000) / 1_000_000)
        event.set(event.table.id(field), json: start..<event.arena.count, in: .arena)
    }

    /// Sets the list under its name here, and what the module makes of it: the last of a list, or the sum.
    private func setUpstream(
        _ field: ECSField,
        _ value: Range<Int>,
        _ line: RawSpan,
        _ event: inout Event
    ) {
        event.remove(field)
        let list: ECSField? =
            switch field {
            case .nginxUpstreamAddressList: .ingressUpstreamAddressList
            case .nginxUpstreamResponseLengthList: .ingressResponseLengthList
            case .nginxUpstreamResponseTimeList: .ingressResponseTimeList
            case .nginxUpstreamStatusCodeList: .ingressResponseStatusCodeList
            default: nil
            }
        guard let list else { return }
        let start = event.arena.count
        // The module keeps them as text, numbers too.
        guard UpstreamList.append(line, value, of: .address, to: &event.arena) else { return }
        event.set(list, json: start..<event.arena.count, in: .arena)
        var elements = UpstreamList.Elements(value)
        var last = value
        var sum: Int64 = 0
        while let element = elements.next(line) {
            last = element
            sum = sum.addingReportingOverflow(Decimal.scaled(line, element, scale: 9) ?? 0).partialValue
        }
        switch list {
        case .ingressUpstreamAddressList: setAddress(last, line, &event)
        case .ingressResponseTimeList: setTime(.ingressResponseTime, sum, &event)
        case .ingressResponseLengthList: setNumber(.ingressResponseLength, last, line, &event)
        default: setNumber(.ingressResponseStatusCode, last, line, &event)
        }
    }

    private func setNumber(_ field: ECSField, _ value: Range<Int>, _ line: RawSpan, _ event: inout Event) {
        if let number = Decimal.integer(line, value) { event.set(field, integer: number) }
    }

    private func setAddress(_ value: Range<Int>, _ line: RawSpan, _ event: inout Event) {
        let parts = URLParts(line, value, isAuthority: true)
        guard var host = parts.domain else { return }
        if line[host.lowerBound] == UInt8(ascii: "["), line[host.upperBound - 1] == UInt8(ascii: "]") {
            host = host.lowerBound + 1..<host.upperBound - 1
        }
        guard IPAddress(line, host) != nil else { return }
        event.set(.ingressUpstreamIP, text: host, in: .line)
        if let port = parts.port { event.set(.ingressUpstreamPort, integer: port) }
    }
}
