extension HTTPRequest {
    /// The refusal of a head that is none, or that two parties could read differently (RFC 9112, sections 3.2 and
    /// 5.1); nil when all is well.
    ///
    /// The first two could be left to libmicrohttpd, but where version 0.9.75 refuses a head, it sends the headers of
    /// its answer twice.
    func refusal(target: String, version: String) -> HTTPResponse? {
        if target.utf8.contains(UInt8(ascii: " ")) { return .error(status: 400, "a blank in the path") }
        let hosts = headers("host").count
        if hosts == 0, version != "HTTP/1.0" { return .error(status: 400, "no Host header") }
        if hosts > 1 { return .error(status: 400, "two Host headers") }
        if headers.contains(where: { $0.name.isEmpty || $0.name.utf8.contains { $0 <= 0x20 } }) {
            return .error(status: 400, "a header without name, or with a blank in it")
        }
        return framingRefusal
    }

    /// The refusal of a body whose end two parties could see differently (RFC 9112, sections 6.1 and 6.3); nil when
    /// all is well.
    private var framingRefusal: HTTPResponse? {
        var length: String?
        var coding: String?
        for field in headers {
            if field.isNamed("content-length") {
                if let length, length != field.value { return .error(status: 400, "two lengths of the body") }
                length = field.value
            } else if field.isNamed("transfer-encoding") {
                if coding != nil { return .error(status: 400, "two transfer encodings") }
                coding = field.value
            }
        }
        guard let coding else { return nil }
        if length != nil { return .error(status: 400, "both length and transfer encoding of the body") }
        if coding.lowercased() != "chunked" { return .error(status: 501, "unsupported transfer encoding") }
        return nil
    }
}
