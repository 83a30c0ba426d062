/// The text of gunicorn's `access_log_format`, such as `%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s"`.
///
/// Source: gunicorn's documentation of the setting. `%({x}i)s` is a request's header, `%({x}o)s` an answer's, `%({x}e)s` a
/// variable of the environment.
enum GunicornAccessFormat {
    /// What gunicorn uses when nothing is set.
    static let standard = #"%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s""#
    /// The object for variables without a field of their own.
    static let object = "gunicorn.access"

    static func compile(_ source: String) throws(NginxFormatError) -> NginxLogFormat {
        let text = source == "default" ? standard : source
        return try NginxLogFormat(try parts(Array(text.utf8)), escape: .quotes, object: object)
    }

    private static func parts(_ bytes: [UInt8]) throws(NginxFormatError) -> LogFormatParts {
        var parts = LogFormatParts()
        var index = 0
        while index < bytes.count {
            guard bytes[index] == UInt8(ascii: "%") else {
                parts.add(bytes[index])
                index += 1
                continue
            }
            if index + 1 < bytes.count, bytes[index + 1] == UInt8(ascii: "%") {
                parts.add(UInt8(ascii: "%"))
                index += 2
                continue
            }
            let unknown = NginxFormatError(offset: index, problem: .unknownDirective)
            guard let close = bytes[index...].firstIndex(of: UInt8(ascii: ")")), close + 1 < bytes.count,
                bytes[index + 1] == UInt8(ascii: "("), bytes[close + 1] == UInt8(ascii: "s")
            else { throw unknown }
            let name = String(decoding: bytes[index + 2..<close], as: UTF8.self)
            guard add(name, offset: index, to: &parts) else { throw unknown }
            index = close + 2
        }
        return parts
    }

    /// Adds an atom; false for one that gunicorn does not have.
    private static func add(_ name: String, offset: Int, to parts: inout LogFormatParts) -> Bool {
        if name.hasPrefix("{"), name.count > 3, let end = name.lastIndex(of: "}") {
            let inner = String(name[name.index(after: name.startIndex)..<end])
            let variable = inner.lowercased().replacing("-", with: "_")
            switch name[name.index(after: end)...] {
            case "i": parts.add("http_" + variable, NginxVariable(named: "http_" + variable), offset: offset)
            case "o":
                parts.add(
                    "sent_http_" + variable,
                    NginxVariable(named: "sent_http_" + variable),
                    offset: offset
                )
            case "e": parts.add(variable, environment(variable), offset: offset)
            default: return false
            }
            return true
        }
        switch name {
        // Their values come with brackets of their own.
        case "t": bracketed("time_local", .timeLocal, "[]")
        case "p": bracketed("pid", .integer(.processPID), "<>")
        default:
            guard let variable = atoms[name] else { return false }
            parts.add(name, variable, offset: offset)
        }
        func bracketed(_ name: String, _ variable: NginxVariable, _ brackets: String) {
            let bytes = Array(brackets.utf8)
            parts.add(bytes[0])
            parts.add(name, variable, offset: offset)
            parts.add(bytes[1])
        }
        return true
    }

    /// WSGI's names for what nginx calls otherwise.
    private static func environment(_ name: String) -> NginxVariable {
        switch name {
        case "raw_uri", "request_uri": .requestURI
        case "path_info": .path
        case "wsgi.url_scheme": .text(.urlScheme)
        default: NginxVariable(named: name)
        }
    }

    private static let atoms: [String: NginxVariable] = [
        "h": .address(.remote), "l": .ignored, "u": .remoteUser, "r": .request,
        "m": .text(.httpRequestMethod),
        "U": .path, "q": .arguments, "H": .protocolVersion, "s": .status,
        "B": .integer(.httpResponseBodyBytes),
        "b": .integer(.httpResponseBodyBytes), "f": .text(.httpRequestReferrer),
        "a": .text(.userAgentOriginal),
        "T": .duration(scale: 9), "M": .duration(scale: 6), "D": .duration(scale: 3),
        "L": .duration(scale: 9),
    ]
}
