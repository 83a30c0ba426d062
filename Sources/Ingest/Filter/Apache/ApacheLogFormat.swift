/// The text of Apache's `LogFormat`, such as `%h %l %u %t \"%r\" %>s %b`.
///
/// Source: documentation of mod_log_config. Quotes may have their backslash of httpd.conf or not. Values are escaped as
/// nginx does it, with `\"` for quotes.
enum ApacheLogFormat {
    /// The formats that Apache's own configuration names.
    static let common = #"%h %l %u %t "%r" %>s %b"#
    static let combined = common + #" "%{Referer}i" "%{User-Agent}i""#
    static let virtualHostCombined = #"%v:%p %h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i""#
    /// The object for variables without a field of their own.
    static let object = "apache.access"

    /// The formats that a configuration's text means, in the order of trying.
    ///
    /// `combined` also takes `vhost_combined` and `common`: of a line only one can be meant.
    static func compile(_ source: String) throws(NginxFormatError) -> [NginxLogFormat] {
        let texts =
            switch source {
            // The one with a host first: `%h %l %u` would take its lines as well.
            case "combined": [virtualHostCombined, combined, common]
            case "vhost_combined": [virtualHostCombined]
            case "common": [common]
            default: [source]
            }
        var formats: [NginxLogFormat] = []
        for text in texts {
            let parts = try parts(Array(text.replacing(#"\""#, with: "\"").utf8))
            formats.append(try NginxLogFormat(parts, escape: .default, object: object))
        }
        return formats
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
            let start = index
            index += 1
            // Only for some answers (`%400,501r`, `%!200r`), or of the first or last request: it changes nothing here.
            while index < bytes.count,
                bytes[index] &- 48 < 10 || [0x3C, 0x3E, 0x21, 0x2C].contains(bytes[index])
            {
                index += 1
            }
            var argument = ""
            if index < bytes.count, bytes[index] == UInt8(ascii: "{"),
                let close = bytes[index...].firstIndex(of: UInt8(ascii: "}"))
            {
                argument = String(decoding: bytes[index + 1..<close], as: UTF8.self)
                index = close + 1
            }
            guard index < bytes.count,
                add(bytes[index], argument, offset: start, to: &parts)
            else { throw NginxFormatError(offset: start, problem: .unknownDirective) }
            index += 1
        }
        return parts
    }

    /// Adds a directive; false for one that is not known.
    private static func add(
        _ letter: UInt8,
        _ argument: String,
        offset: Int,
        to parts: inout LogFormatParts
    ) -> Bool {
        let name = argument.lowercased().replacing("-", with: "_")
        func add(_ name: String, _ variable: NginxVariable? = nil) {
            parts.add(name, variable ?? NginxVariable(named: name), offset: offset)
        }
        switch letter {
        case UInt8(ascii: "%"): parts.add(letter)
        case UInt8(ascii: "i"): add("http_" + name)
        case UInt8(ascii: "o"): add("sent_http_" + name)
        case UInt8(ascii: "e"), UInt8(ascii: "n"), UInt8(ascii: "x"), UInt8(ascii: "C"): add(name, .other)
        case UInt8(ascii: "t"):
            guard name.isEmpty else { return addTime(name) }
            parts.add(UInt8(ascii: "["))
            add("time_local", .timeLocal)
            parts.add(UInt8(ascii: "]"))
        case UInt8(ascii: "T"):
            guard let scale = ["": 9, "s": 9, "ms": 6, "us": 3][name] else { return false }
            add("request_time", .duration(scale: scale))
        default:
            guard let (name, variable) = directives[letter] else { return false }
            add(name, variable)
        }
        func addTime(_ name: String) -> Bool {
            guard name == "sec" || name == "msec" || name == "usec" else { return false }
            add(name, name == "sec" ? .milliseconds : .other)
            return true
        }
        return true
    }

    private static let directives: [UInt8: (String, NginxVariable)] = [
        UInt8(ascii: "a"): ("remote_addr", .address(.remote)),
        UInt8(ascii: "h"): ("remote_addr", .address(.remote)),
        UInt8(ascii: "A"): ("server_addr", .serverAddress),
        UInt8(ascii: "l"): ("ident", .ignored),
        UInt8(ascii: "u"): ("remote_user", .remoteUser),
        UInt8(ascii: "r"): ("request", .request),
        UInt8(ascii: "m"): ("request_method", .text(.httpRequestMethod)),
        UInt8(ascii: "U"): ("uri", .path),
        UInt8(ascii: "q"): ("query", .other),
        UInt8(ascii: "H"): ("server_protocol", .protocolVersion),
        UInt8(ascii: "s"): ("status", .status),
        UInt8(ascii: "b"): ("body_bytes_sent", .integer(.httpResponseBodyBytes)),
        UInt8(ascii: "B"): ("body_bytes_sent", .integer(.httpResponseBodyBytes)),
        UInt8(ascii: "O"): ("bytes_sent", .integer(.httpResponseBytes)),
        UInt8(ascii: "I"): ("request_length", .integer(.httpRequestBytes)),
        UInt8(ascii: "S"): ("bytes_total", .other),
        UInt8(ascii: "D"): ("request_time", .duration(scale: 3)),
        UInt8(ascii: "v"): ("host", .host),
        UInt8(ascii: "V"): ("host", .host),
        UInt8(ascii: "p"): ("server_port", .integer(.serverPort)),
        UInt8(ascii: "P"): ("pid", .integer(.processPID)),
        UInt8(ascii: "k"): ("keepalive_requests", .other),
        UInt8(ascii: "X"): ("connection_status", .other),
        UInt8(ascii: "f"): ("filename", .other),
        UInt8(ascii: "L"): ("log_id", .other),
        UInt8(ascii: "R"): ("handler", .other),
    ]
}
