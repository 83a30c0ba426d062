import Common

/// Why a pipeline's `log_format` cannot be used.
enum LogFormatError: Error, CustomStringConvertible {
    case access(NginxFormatError)
    case python(PythonFormatError)

    var description: String {
        switch self {
        case .access(let error): error.description
        case .python(let error): error.description
        }
    }
}

/// What a pipeline's `format` and `log_format` mean, compiled once for all workers.
struct CompiledFormat: Sendable {
    private enum Variants {
        case access([NginxLogFormat])
        case nginxJSON
        case python([PythonLogFormat])
        case other
    }

    private let name: FormatName
    private let variants: Variants

    init(_ name: FormatName, logFormat: String, escape: NginxLogFormat.Escape) throws(LogFormatError) {
        self.name = name
        switch name {
        case .gunicornError, .flask, .werkzeug, .django:
            do throws(PythonFormatError) {
                variants = .python(try PythonFormats.compile(logFormat))
            } catch {
                throw .python(error)
            }
        case .nginxError, .pythonJSON, .syslog, .json, .plain: variants = .other
        case .nginxJSON where logFormat.isEmpty: variants = .nginxJSON
        case .nginxAccess, .nginxIngress, .nginxJSON, .gunicornAccess, .apache:
            do throws(NginxFormatError) {
                variants = .access(try Self.access(name, logFormat, escape))
            } catch {
                throw .access(error)
            }
        }
    }

    /// The names beyond `ECSField` of fields that lines of this format can have.
    var fieldNames: [String] {
        switch variants {
        case .access(let formats): formats.flatMap(\.otherFields) + [remoteAddresses]
        case .python(let formats): formats.flatMap(\.otherFields)
        case .nginxJSON, .other: []
        }
    }

    /// The format for one worker.
    ///
    /// - Parameter event: made with `fieldNames`; the format adds constants to it.
    func lineFormat(trustedProxies: [IPNetwork], event: inout Event) -> any LineFormat {
        switch variants {
        case .access(let formats):
            return AccessLogFormat(
                formats,
                remoteAddresses: remoteAddresses,
                trustedProxies: trustedProxies,
                isIngress: name == .nginxIngress,
                event: &event
            )
        case .nginxJSON:
            return NginxJSONFormat(
                remoteAddresses: remoteAddresses,
                trustedProxies: trustedProxies,
                event: &event
            )
        case .python(let formats): return PythonTextFormat(formats, event: &event)
        case .other: break
        }
        switch name {
        case .nginxError: return NginxErrorFormat(event: &event)
        case .syslog: return SyslogFormat(event: &event)
        case .pythonJSON: return JSONLineFormat(isPython: true, event: &event)
        case .json: return JSONLineFormat(isPython: false, event: &event)
        default: return PlainFormat()
        }
    }

    /// The field for all addresses between client and server.
    private var remoteAddresses: String {
        switch name {
        case .gunicornAccess: "gunicorn.access.remote_ip_list"
        // As the Filebeat module calls it.
        case .apache: "apache.access.remote_addresses"
        default: ECSField.nginxRemoteIPList.name
        }
    }

    private static func access(
        _ name: FormatName,
        _ text: String,
        _ escape: NginxLogFormat.Escape
    ) throws(NginxFormatError) -> [NginxLogFormat] {
        switch name {
        case .nginxIngress: try ingress(text, escape)
        case .nginxJSON: [try NginxLogFormat(text, escape: .json)]
        case .gunicornAccess: [try GunicornAccessFormat.compile(text)]
        case .apache: try ApacheLogFormat.compile(text)
        default: try nginx(text, escape)
        }
    }

    private static func ingress(
        _ text: String,
        _ escape: NginxLogFormat.Escape
    ) throws(NginxFormatError) -> [NginxLogFormat] {
        let texts = text == "ingress" ? [IngressFields.logFormat, IngressFields.oldLogFormat] : [text]
        var formats: [NginxLogFormat] = []
        for text in texts {
            formats.append(try NginxLogFormat(text, escape: escape, special: IngressFields.variables))
        }
        return formats
    }

    /// `combined` also takes lines of `main`: the nginx.conf that is shipped has `main`, and a quote cannot stand
    /// inside a value, so they cannot be mixed up.
    private static func nginx(
        _ text: String,
        _ escape: NginxLogFormat.Escape
    ) throws(NginxFormatError) -> [NginxLogFormat] {
        switch text {
        case "combined":
            [
                try NginxLogFormat(NginxLogFormat.combined, escape: escape),
                try NginxLogFormat(NginxLogFormat.main, escape: escape),
            ]
        case "main": [try NginxLogFormat(NginxLogFormat.main, escape: escape)]
        default: [try NginxLogFormat(text, escape: escape)]
        }
    }
}
