import CCurl
import Glibc
import Synchronization

/// An HTTP/1.1 client with one connection per server, kept alive.
///
/// It blocks, and one thread uses it at a time. The only file that imports libcurl. It is a plain struct that must be closed by hand: a `deinit` or a protocol
/// conformance that calls libcurl would be kept by the linker in programs that never make a client.
package struct HTTPClient: @unchecked Sendable {
    // Sendable is true because a client is made, used and closed by one thread; it may only move.

    package enum Method: String, Sendable { case get = "GET", head = "HEAD", post = "POST", put = "PUT" }

    package enum ContentType: String, Sendable {
        case json = "application/json"
        case ndjson = "application/x-ndjson"
    }

    /// Status and the headers we act upon; the body is in `withBody`.
    package struct Response: Equatable, Sendable {
        package var status = 0
        /// `X-Elastic-Product`.
        package var product = ""
        /// `Retry-After` in seconds.
        package var retryAfter: Duration?
    }

    /// Ends requests of other threads: their transfers stop within about a second.
    package final class Cancellation: Sendable {
        private let flag = Atomic(false)

        package init() {}

        package var isCancelled: Bool { flag.load(ordering: .relaxed) }

        package func cancel() { flag.store(true, ordering: .relaxed) }
    }

    /// What libcurl's callbacks fill, at a fixed address.
    private struct Exchange: ~Copyable {
        var response = Response()
        var body = ByteBuffer(capacity: 16 << 10)
        let maxBodyBytes: Int
        let cancellation: Cancellation?
        var isTooLarge = false
    }

    private static let isLibraryReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK
    /// Kept open for the next request; with more servers than libcurl's five, each request would connect anew.
    private static let maxIdleConnections = 64
    /// Response memory kept from one request to the next.
    private static let keptBodyBytes = 1 << 20

    private let curl: UnsafeMutableRawPointer
    private let exchange: UnsafeMutablePointer<Exchange>
    private let errorText: UnsafeMutablePointer<CChar>
    private let fingerprint: UnsafeMutablePointer<CertificateFingerprint.Check>?
    private let authorization: String?
    private let settings: HTTPClientSettings

    /// Reads the certificate files; opens no connection.
    ///
    /// - Throws: `configuration` when a file or a credential cannot be used.
    package init(
        _ settings: HTTPClientSettings,
        cancellation: Cancellation? = nil
    ) throws(HTTPClientError) {
        let authorities = try Self.authorities(settings)
        authorization = try Self.authorization(settings.credentials)
        guard Self.isLibraryReady, let curl = curl_easy_init() else {
            throw HTTPClientError(.configuration("libcurl cannot be initialised"), server: "http client")
        }
        self.curl = curl
        self.settings = settings
        exchange = .allocate(capacity: 1)
        exchange.initialize(
            to: Exchange(maxBodyBytes: settings.maxResponseBytes, cancellation: cancellation)
        )
        errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        fingerprint = settings.fingerprint.map { expected in
            let check = UnsafeMutablePointer<CertificateFingerprint.Check>.allocate(capacity: 1)
            check.initialize(to: CertificateFingerprint.Check(expected: expected))
            return check
        }
        setTransfer()
        setTLS(authorities)
        if case .basic(let username, let password) = settings.credentials {
            curl_setopt_string(curl, CURLOPT_USERNAME, username)
            curl_setopt_string(curl, CURLOPT_PASSWORD, password)
        }
    }

    /// Closes the connections and frees the memory; the client may not be used afterwards.
    package func close() {
        curl_easy_cleanup(curl)
        exchange.deinitialize(count: 1)
        exchange.deallocate()
        errorText.deallocate()
        fingerprint?.deinitialize(count: 1)
        fingerprint?.deallocate()
    }

    /// Sends a request and waits for the whole answer, whatever its status.
    ///
    /// - Parameters:
    ///   - path: with a slash in front, percent-encoded, behind the server's own prefix.
    ///   - timeout: of this request; nil takes the one of the settings.
    ///   - authorization: the value of that header, in place of the credentials of the settings.
    package func perform(
        _ method: Method,
        _ server: HTTPServerAddress,
        _ path: String,
        contentType: ContentType = .json,
        isGzip: Bool = false,
        timeout: Duration? = nil,
        authorization: String? = nil,
        body: UnsafeRawBufferPointer? = nil
    ) throws(HTTPClientError) -> Response {
        exchange.pointee.response = Response()
        exchange.pointee.body.removeAll()
        exchange.pointee.body.shrink(to: Self.keptBodyBytes)
        exchange.pointee.isTooLarge = false
        errorText[0] = 0
        fingerprint?.pointee.shown = []

        set(method, body)
        curl_setopt_string(curl, CURLOPT_URL, server.description + path)
        curl_setopt_long(curl, CURLOPT_TIMEOUT_MS, Int((timeout ?? settings.timeout).milliseconds))
        let own = authorization.map { "Authorization: \($0)" } ?? self.authorization
        let headers = headers(body == nil ? nil : contentType, isGzip: isGzip, authorization: own)
        defer { curl_slist_free_all(headers) }
        curl_setopt_list(curl, CURLOPT_HTTPHEADER, headers)
        let code = curl_easy_perform(curl)
        curl_setopt_list(curl, CURLOPT_HTTPHEADER, nil)
        curl_setopt_pointer(curl, CURLOPT_POSTFIELDS, nil)
        guard code == CURLE_OK else { throw HTTPClientError(reason(code), server: server.origin) }
        return exchange.pointee.response
    }

    /// The body of the last answer, valid until the next request.
    package func withBody<Result, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try exchange.pointee.body.withSpan(body)
    }
}

// MARK: - Options

extension HTTPClient {
    private func set(_ method: Method, _ body: UnsafeRawBufferPointer?) {
        curl_setopt_string(curl, CURLOPT_CUSTOMREQUEST, nil)
        switch method {
        case .get: curl_setopt_long(curl, CURLOPT_HTTPGET, 1)
        case .head:
            curl_setopt_long(curl, CURLOPT_HTTPGET, 1)
            curl_setopt_long(curl, CURLOPT_NOBODY, 1)
        case .post, .put:
            curl_setopt_long(curl, CURLOPT_NOBODY, 0)
            curl_setopt_long(curl, CURLOPT_POST, 1)
            // With no body at all, an empty text: libcurl would otherwise ask its read callback, standard input.
            curl_setopt_offset(curl, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body?.count ?? 0))
            if let base = body?.baseAddress {
                curl_setopt_pointer(curl, CURLOPT_POSTFIELDS, base)
            } else {
                curl_setopt_string(curl, CURLOPT_COPYPOSTFIELDS, "")
            }
            if method == .put { curl_setopt_string(curl, CURLOPT_CUSTOMREQUEST, method.rawValue) }
        }
    }

    private func headers(
        _ contentType: ContentType?,
        isGzip: Bool,
        authorization: String?
    ) -> UnsafeMutablePointer<curl_slist>? {
        // noida-db never answers "Expect: 100-continue", and libcurl would wait a second for it.
        var list = curl_slist_append(nil, "Expect:")
        list = curl_slist_append(list, "Accept: application/json")
        list = curl_slist_append(list, "User-Agent: elkfa/\(Version.current)")
        if let contentType { list = curl_slist_append(list, "Content-Type: \(contentType.rawValue)") }
        if isGzip { list = curl_slist_append(list, "Content-Encoding: gzip") }
        if let authorization { list = curl_slist_append(list, authorization) }
        return list
    }

    private func setTransfer() {
        curl_setopt_long(curl, CURLOPT_NOSIGNAL, 1)
        curl_setopt_pointer(curl, CURLOPT_ERRORBUFFER, errorText)
        // Nothing but http and https, no proxy out of the environment, no redirects (libcurl's default).
        curl_setopt_string(curl, CURLOPT_PROTOCOLS_STR, "http,https")
        curl_setopt_string(curl, CURLOPT_PROXY, "")
        curl_setopt_long(curl, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        curl_setopt_long(curl, CURLOPT_HTTP09_ALLOWED, 0)
        curl_setopt_string(curl, CURLOPT_ACCEPT_ENCODING, "gzip")
        curl_setopt_long(curl, CURLOPT_CONNECTTIMEOUT_MS, Int(settings.connectTimeout.milliseconds))
        curl_setopt_long(curl, CURLOPT_TCP_KEEPALIVE, 1)
        curl_setopt_long(curl, CURLOPT_MAXCONNECTS, Self.maxIdleConnections)
        curl_setopt_long(curl, CURLOPT_NOPROGRESS, 0)
        curl_setopt_write(
            curl,
            { bytes, size, count, context in
                guard let bytes, let context else { return 0 }
                let exchange = context.assumingMemoryBound(to: Exchange.self)
                return HTTPClient.receive(UnsafeRawBufferPointer(start: bytes, count: size * count), exchange)
            },
            exchange
        )
        curl_setopt_header(
            curl,
            { bytes, size, count, context in
                guard let bytes, let context else { return 0 }
                let line = UnsafeRawBufferPointer(start: bytes, count: size * count)
                context.assumingMemoryBound(to: Exchange.self).pointee.response.read(header: line.bytes)
                return size * count
            },
            exchange
        )
        curl_setopt_progress(
            curl,
            { context, _, _, _, _ in
                guard let context else { return 1 }
                let cancellation = context.assumingMemoryBound(to: Exchange.self).pointee.cancellation
                return cancellation?.isCancelled == true ? 1 : 0
            },
            exchange
        )
    }

    private static func receive(
        _ bytes: UnsafeRawBufferPointer,
        _ exchange: UnsafeMutablePointer<Exchange>
    ) -> Int {
        guard exchange.pointee.body.count + bytes.count <= exchange.pointee.maxBodyBytes else {
            exchange.pointee.isTooLarge = true
            return 0
        }
        exchange.pointee.body.append(bytes)
        return bytes.count
    }

    private func setTLS(_ authorities: [UInt8]?) {
        let checksPeer = settings.verification != .none || settings.fingerprint != nil
        curl_setopt_long(curl, CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        curl_setopt_long(curl, CURLOPT_SSL_VERIFYPEER, checksPeer ? 1 : 0)
        curl_setopt_long(curl, CURLOPT_SSL_VERIFYHOST, settings.verification == .full ? 2 : 0)
        if !settings.certificate.isEmpty { curl_setopt_string(curl, CURLOPT_SSLCERT, settings.certificate) }
        if !settings.key.isEmpty { curl_setopt_string(curl, CURLOPT_SSLKEY, settings.key) }
        if authorities != nil || fingerprint != nil {
            // Only what the configuration names is trusted, not the system's authorities beside it.
            curl_setopt_string(curl, CURLOPT_CAINFO, nil)
            curl_setopt_string(curl, CURLOPT_CAPATH, nil)
        }
        authorities?.withUnsafeBytes { pem in
            var blob = curl_blob(
                data: UnsafeMutableRawPointer(mutating: pem.baseAddress),
                len: pem.count,
                flags: UInt32(CURL_BLOB_COPY)
            )
            withUnsafePointer(to: &blob) { _ = curl_setopt_pointer(curl, CURLOPT_CAINFO_BLOB, $0) }
        }
        if let fingerprint {
            curl_setopt_ssl_context(
                curl,
                { _, context, check in
                    guard let context, let check else { return CURLE_ABORTED_BY_CALLBACK }
                    let expected = check.assumingMemoryBound(to: CertificateFingerprint.Check.self)
                    CertificateFingerprint.install(expected, in: context)
                    return CURLE_OK
                },
                fingerprint
            )
        }
    }

    /// All certificate files in one; nil when there are none.
    private static func authorities(_ settings: HTTPClientSettings) throws(HTTPClientError) -> [UInt8]? {
        for path in [settings.certificate, settings.key] where !path.isEmpty {
            _ = try file(path)
        }
        guard !settings.certificateAuthorities.isEmpty else { return nil }
        var all: [UInt8] = []
        for path in settings.certificateAuthorities {
            all += try file(path)
            all.append(UInt8(ascii: "\n"))
        }
        return all
    }

    private static func file(_ path: String) throws(HTTPClientError) -> [UInt8] {
        do { return try AtomicFile.read(path, limit: 4 << 20) } catch {
            throw HTTPClientError(.configuration(error.description), server: "tls")
        }
    }

    private static func authorization(
        _ credentials: HTTPClientSettings.Credentials
    ) throws(HTTPClientError) -> String? {
        guard case .apiKey(let key) = credentials else { return nil }
        guard !key.isEmpty, key.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw HTTPClientError(.configuration("api_key has bytes that no API key has"), server: "api_key")
        }
        return "Authorization: ApiKey \(key.contains(":") ? Base64.encode(Array(key.utf8)) : key)"
    }
}

// MARK: - Errors

extension HTTPClient {
    private func reason(_ code: CURLcode) -> HTTPClientError.Reason {
        switch code {
        case CURLE_ABORTED_BY_CALLBACK: return .cancelled
        case CURLE_WRITE_ERROR where exchange.pointee.isTooLarge:
            return .responseTooLarge(limitBytes: settings.maxResponseBytes)
        case CURLE_COULDNT_RESOLVE_HOST: return .unknownHost
        case CURLE_COULDNT_CONNECT:
            let cause = Errno(Int32(truncatingIfNeeded: number(CURLINFO_OS_ERRNO)))
            if cause.code == ECONNREFUSED { return .refused }
            return cause.code == ETIMEDOUT ? .connectTimeout : .unreachable(cause.description)
        case CURLE_OPERATION_TIMEDOUT:
            return number(CURLINFO_REQUEST_SIZE) == 0 ? .connectTimeout : .timeout
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CERTPROBLEM,
            CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CIPHER, CURLE_SSL_ISSUER_ERROR:
            return .tls(tlsReason(code))
        case CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY: return .notHTTP
        case CURLE_GOT_NOTHING, CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_PARTIAL_FILE:
            return .cut(message(code))
        default: return .other(message(code))
        }
    }

    /// The usual mistakes in words, with the setting that mends them; else what OpenSSL says.
    private func tlsReason(_ code: CURLcode) -> String {
        if code == CURLE_SSL_CERTPROBLEM {
            return
                "the client certificate or key cannot be used; do tls.certificate and tls.key belong together? "
                + "(\(message(code)))"
        }
        if code == CURLE_SSL_CACERT_BADFILE {
            return "tls.certificate_authorities has no usable certificate (\(message(code)))"
        }
        guard code == CURLE_PEER_FAILED_VERIFICATION else {
            return
                "TLS handshake failed (\(message(code))); does the server speak TLS on this port, and does it "
                + "ask for a client certificate?"
        }
        if let fingerprint, let shown = fingerprint.pointee.shown.last,
            !fingerprint.pointee.shown.contains(fingerprint.pointee.expected)
        {
            return "no certificate of the server's chain has the SHA-256 in tls.fingerprint; "
                + "the last of the chain has \(shown)"
        }
        switch CertificateProblem(rawValue: Int32(truncatingIfNeeded: number(CURLINFO_SSL_VERIFYRESULT))) {
        case .expired:
            return "the server's certificate has expired; renew it (or is this machine's clock wrong?)"
        case .notYetValid:
            return "the server's certificate is not valid yet; is this machine's clock wrong?"
        case .nothing: return "the server's certificate is for another host name (\(message(code)))"
        case nil:
            return "the server's certificate is not trusted (\(message(code))); put its authority into "
                + "tls.certificate_authorities or tls.fingerprint"
        }
    }

    private func message(_ code: CURLcode) -> String {
        errorText[0] == 0 ? String(cString: curl_easy_strerror(code)) : String(cString: errorText)
    }

    private func number(_ info: CURLINFO) -> Int {
        var value = 0
        return curl_getinfo_long(curl, info, &value) == CURLE_OK ? value : 0
    }
}

extension HTTPClient.Response {
    /// Takes one header line as libcurl hands it over; a status line starts over (after `100 Continue`).
    fileprivate mutating func read(header line: RawSpan) {
        if line.byteCount >= 12, line.equals("HTTP/", 0..<5) {
            self = HTTPClient.Response()
            status = Int(Decimal.integer(line, 9..<12) ?? 0)
            return
        }
        guard let colon = line.firstIndex(of: UInt8(ascii: ":"), in: 0..<line.byteCount) else { return }
        let isProduct = colon == 17
        guard isProduct || colon == 11 else { return }
        let name = line.text(0..<colon).lowercased()
        let text = line.text(colon + 1..<line.byteCount)
        let value = String(text.drop { $0.isWhitespace }.prefix { !$0.isNewline })
        if name == "x-elastic-product" { product = value }
        // A date is allowed too (RFC 9110, section 10.2.3); our own back-off serves then.
        if name == "retry-after", let seconds = Int(value), (0...3600).contains(seconds) {
            retryAfter = .seconds(seconds)
        }
    }
}
