import Common

/// Lines of an access log, cut by the format that the server was configured with.
final class AccessLogFormat: LineFormat {
    /// A format that lines may have, and the fields of its variables.
    private struct Variant {
        var line: NginxLine
        /// For each variable without a field of its own, its field.
        let others: [FieldID?]
    }

    let hasMessage = false
    private var variants: [Variant]
    private var filter: NginxAccessFilter
    private let ingress: IngressFields?

    /// - Parameters:
    ///   - formats: the likeliest first; all with the same escape.
    ///   - remoteAddresses: see `NginxAccessFilter`.
    init(
        _ formats: [NginxLogFormat],
        remoteAddresses: String,
        trustedProxies: [IPNetwork],
        isIngress: Bool = false,
        event: inout Event
    ) {
        let table = event.table
        variants = formats.map { format in
            Variant(
                line: NginxLine(format: format),
                others: zip(format.steps, format.names).map { step, name in
                    step.variable == .other
                        ? table.id(named: NginxLogFormat.field(of: name, in: format.object)) : nil
                }
            )
        }
        filter = NginxAccessFilter(
            escape: formats.first?.escape ?? .default,
            remoteAddresses: remoteAddresses,
            trustedProxies: trustedProxies,
            event: &event
        )
        ingress = isIngress ? IngressFields(event: &event) : nil
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
        var state = filter.begin(&event)
        let values = variants[number].line.values
        let steps = variants[number].line.format.steps
        for index in steps.indices {
            filter.take(
                steps[index].variable,
                values[index],
                other: variants[number].others[index],
                text,
                &state,
                &event
            )
        }
        let facts = filter.finish(state, text, &event)
        ingress?.apply(steps, values, text, &event)
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
