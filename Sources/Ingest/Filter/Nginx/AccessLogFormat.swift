import Common

/// Lines of an access log, cut by the format that the server was configured with.
final class AccessLogFormat: LineFormat {
    /// A format that lines may have, and what its values mean.
    private struct Variant {
        var line: NginxLine
        var filter: NginxAccessFilter
    }

    let hasMessage = false
    private var variants: [Variant] = []
    private let ingress: IngressFields?

    /// - Parameters:
    ///   - formats: the likeliest first.
    ///   - remoteAddresses: see `NginxAccessFilter`.
    init(
        _ formats: [NginxLogFormat],
        remoteAddresses: String,
        trustedProxies: [IPNetwork],
        isIngress: Bool = false,
        event: inout Event
    ) {
        ingress = isIngress ? IngressFields(event: &event) : nil
        for format in formats {
            let filter = NginxAccessFilter(
                format: format,
                remoteAddresses: remoteAddresses,
                trustedProxies: trustedProxies,
                event: &event
            )
            variants.append(Variant(line: NginxLine(format: format), filter: filter))
        }
    }

    func read(
        _ line: RawSpan,
        of payload: RawSpan,
        _ context: LineContext,
        copy: inout ByteBuffer,
        into event: inout Event
    ) throws(LineFailure) -> LineFacts {
        var first: NginxScanner.Failure?
        for number in variants.indices {
            do throws(NginxScanner.Failure) {
                guard try variants[number].line.cut(line, copy: &copy) else {
                    return apply(number, line, &event)
                }
                var facts = copy.withSpan { apply(number, $0, &event) }
                facts.isCopied = true
                return facts
            } catch {
                first = first ?? error
            }
        }
        throw LineFailure(reason: first.map(describe) ?? "there is no format")
    }

    @inline(__always)
    private func apply(_ number: Int, _ text: RawSpan, _ event: inout Event) -> LineFacts {
        let values = variants[number].line.values
        let facts = variants[number].filter.apply(values, of: text, to: &event)
        ingress?.apply(variants[number].line.format.steps, values, text, &event)
        return facts
    }

    private func describe(_ failure: NginxScanner.Failure) -> String {
        let format = variants[0].line.format
        guard let step = failure.step else {
            return "log_format does not match at byte \(failure.offset) of the line"
        }
        return "log_format does not match at byte \(failure.offset) of the line, at $\(format.names[step])"
    }
}
