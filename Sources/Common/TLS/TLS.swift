import COpenSSL
import Glibc

/// Keys, certificates and rules that connections share: OpenSSL's SSL_CTX.
///
/// Made once per listener or output; reading its files is the only blocking work.
package final class TLSContext: @unchecked Sendable {
    // Sendable is true because the SSL_CTX is complete when init ends, and OpenSSL lets threads share it (SSL_new(3)).
    fileprivate let handle: OpaquePointer
    fileprivate let verificationMode: TLSVerificationMode
    /// At an address that OpenSSL is given.
    fileprivate let fingerprint: UnsafeMutablePointer<CertificateFingerprint>?

    /// For connecting.
    package init(client settings: TLSClientSettings) throws(TLSError) {
        handle = try Self.make(TLS_client_method())
        verificationMode = settings.verificationMode
        fingerprint = settings.fingerprint.map { expected in
            let pointer = UnsafeMutablePointer<CertificateFingerprint>.allocate(capacity: 1)
            pointer.initialize(to: expected)
            return pointer
        }
        if let identity = settings.identity { try use(identity) }
        guard settings.verificationMode != .none || fingerprint != nil else { return }
        SSL_CTX_set_verify(handle, SSL_VERIFY_PEER, nil)
        if let fingerprint {
            CertificateFingerprint.install(fingerprint, in: handle)
        } else if settings.certificateAuthorities.isEmpty {
            guard SSL_CTX_set_default_verify_paths(handle) == 1 else { throw OpenSSLErrors.take() }
        }
        try trust(settings.certificateAuthorities)
    }

    /// For listening.
    package init(server settings: TLSServerSettings) throws(TLSError) {
        handle = try Self.make(TLS_server_method())
        verificationMode = .certificate
        fingerprint = nil
        try use(settings.identity)
        // Without a context of its own a session of a verified client cannot be resumed.
        let name: StaticString = "elkfa"
        guard SSL_CTX_set_session_id_context(handle, name.utf8Start, UInt32(name.utf8CodeUnitCount)) == 1
        else {
            throw OpenSSLErrors.take()
        }
        guard settings.clientAuthentication != .none else { return }
        guard !settings.certificateAuthorities.isEmpty else { throw .noCertificateAuthorities }
        let required = settings.clientAuthentication == .required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0
        SSL_CTX_set_verify(handle, SSL_VERIFY_PEER | required, nil)
        try trust(settings.certificateAuthorities)
        // The names that clients see, to pick the right one of their certificates.
        let names = SSL_load_client_CA_file(settings.certificateAuthorities[0])
        for path in settings.certificateAuthorities.dropFirst() {
            guard SSL_add_file_cert_subjects_to_stack(names, path) == 1 else { throw OpenSSLErrors.take() }
        }
        SSL_CTX_set_client_CA_list(handle, names)
        OpenSSLErrors.clear()
    }

    deinit {
        SSL_CTX_free(handle)
        fingerprint?.deinitialize(count: 1)
        fingerprint?.deallocate()
    }

    private static func make(_ method: OpaquePointer?) throws(TLSError) -> OpaquePointer {
        OpenSSLErrors.clear()
        guard let handle = SSL_CTX_new(method), tls_context_harden(handle) == 1 else {
            throw OpenSSLErrors.take()
        }
        // A key with a pass phrase would make OpenSSL ask for it on the terminal and wait.
        SSL_CTX_set_default_passwd_cb(handle) { _, _, _, _ in -1 }
        return handle
    }

    private func use(_ identity: TLSIdentity) throws(TLSError) {
        try load(identity.certificate) { SSL_CTX_use_certificate_chain_file(handle, $0) }
        try load(identity.key, hint: "is it a PEM key without a pass phrase?") { path in
            let code = SSL_CTX_use_PrivateKey_file(handle, path, SSL_FILETYPE_PEM)
            return code == 1 || OpenSSLErrors.isKeyMismatch ? 1 : code
        }
        guard !OpenSSLErrors.isKeyMismatch, SSL_CTX_check_private_key(handle) == 1 else {
            OpenSSLErrors.clear()
            throw .keyMismatch(certificate: identity.certificate, key: identity.key)
        }
    }

    private func trust(_ authorities: [String]) throws(TLSError) {
        for path in authorities { try load(path) { SSL_CTX_load_verify_file(handle, $0) } }
    }

    private func load(
        _ path: String,
        hint: String = "is it a PEM file?",
        _ call: (String) -> Int32
    ) throws(TLSError) {
        guard access(path, R_OK) == 0 else { throw .file(path: path, reason: "\(Errno.current)") }
        OpenSSLErrors.clear()
        guard call(path) != 1 else { return }
        throw .file(path: path, reason: "\(OpenSSLErrors.takeText()); \(hint)")
    }
}

/// TLS on one non-blocking socket, driven by the thread that owns it.
///
/// Calls never block. They say which readiness of the socket to wait for; that may be the other direction than
/// their own. OpenSSL writes with write(2), so the process must ignore SIGPIPE (`Signals.receive` does). The socket
/// belongs to the caller and must outlive this.
package struct TLSConnection: ~Copyable {
    /// What a call achieved.
    package enum Progress: Equatable, Sendable {
        /// So many bytes were moved; for `handshake` and `shutdown`, 0 and all is done.
        case done(bytes: Int)
        /// Call again when the socket is readable.
        case wantsRead
        /// Call again when the socket is writable.
        case wantsWrite
        /// The peer has ended the connection in an orderly way.
        case closed
    }

    let handle: OpaquePointer
    /// Kept, because OpenSSL holds the address of its fingerprint.
    private let context: TLSContext
    private let expectedName: String
    /// After a fatal error OpenSSL must not be asked for more, not even to shut down (SSL_get_error(3)).
    private var failure: TLSError?

    /// The client's end.
    ///
    /// - Parameter serverName: a DNS name or an address, which the certificate must be made for in mode `full`.
    package init(client context: TLSContext, socket: Int32, serverName: String) throws(TLSError) {
        handle = try Self.make(context, socket) { (handle) throws(TLSError) in
            SSL_set_connect_state(handle)
            try Self.expect(serverName, from: handle, context.verificationMode)
        }
        self.context = context
        expectedName = serverName
    }

    /// The server's end.
    package init(server context: TLSContext, socket: Int32) throws(TLSError) {
        handle = try Self.make(context, socket) { SSL_set_accept_state($0) }
        self.context = context
        expectedName = ""
    }

    deinit { SSL_free(handle) }

    private static func make(
        _ context: TLSContext,
        _ socket: Int32,
        _ prepare: (OpaquePointer) throws(TLSError) -> Void
    ) throws(TLSError) -> OpaquePointer {
        OpenSSLErrors.clear()
        guard let handle = SSL_new(context.handle) else { throw OpenSSLErrors.take() }
        do throws(TLSError) {
            guard SSL_set_fd(handle, socket) == 1 else { throw OpenSSLErrors.take() }
            try prepare(handle)
            return handle
        } catch {
            SSL_free(handle)
            throw error
        }
    }

    /// Asks the server for `name`, and has its certificate compared with it.
    private static func expect(
        _ name: String,
        from handle: OpaquePointer,
        _ mode: TLSVerificationMode
    ) throws(TLSError) {
        let isAddress = IPAddress(name) != nil
        // RFC 6066, section 3: no addresses in the server name.
        if !isAddress, !name.isEmpty, tls_send_server_name(handle, name) != 1 { throw OpenSSLErrors.take() }
        guard mode == .full else { return }
        // An empty name would switch the check off (SSL_set1_host(3)).
        guard !name.isEmpty else { throw .failed("no server name to verify") }
        SSL_set_hostflags(handle, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
        let isSet =
            isAddress
            ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(handle), name) == 1
            : SSL_set1_host(handle, name) == 1
        guard isSet else { throw OpenSSLErrors.take() }
    }

    /// The protocol agreed on, such as `TLSv1.3`.
    package var version: String { String(cString: SSL_get_version(handle)) }

    /// Decrypted bytes that wait in here: no readiness of the socket will announce them.
    package var pendingBytes: Int { Int(SSL_pending(handle)) }

    /// Agrees on keys and checks certificates; `.done` once, then bytes may flow.
    ///
    /// A TLS 1.3 client is done before the server has judged its certificate; a refusal comes out of its first `read`.
    package mutating func handshake() throws(TLSError) -> Progress {
        try run { SSL_do_handshake($0) == 1 ? 0 : nil }
    }

    /// Reads what is there, at most one record (16 KiB).
    ///
    /// With a level-triggered poll, read on until `.wantsRead`: bytes may be pending in here.
    package mutating func read(into bytes: UnsafeMutableRawBufferPointer) throws(TLSError) -> Progress {
        guard !bytes.isEmpty else { return .done(bytes: 0) }
        return try run { handle in
            var count = 0
            return SSL_read_ex(handle, bytes.baseAddress, bytes.count, &count) == 1 ? count : nil
        }
    }

    /// Writes some of `bytes`.
    ///
    /// After `.wantsRead` or `.wantsWrite` the next call must offer the same bytes, which may have moved, and
    /// at least as many.
    package mutating func write(_ bytes: UnsafeRawBufferPointer) throws(TLSError) -> Progress {
        guard !bytes.isEmpty else { return .done(bytes: 0) }
        return try run { handle in
            var count = 0
            return SSL_write_ex(handle, bytes.baseAddress, bytes.count, &count) == 1 ? count : nil
        }
    }

    /// Tells the peer that no more will be written, without waiting for its answer.
    ///
    /// Does nothing after a failure.
    package mutating func shutdown() throws(TLSError) -> Progress {
        guard failure == nil else { return .done(bytes: 0) }
        return try run { SSL_shutdown($0) >= 0 ? 0 : nil }
    }

    /// Runs one call that answers a count, or nil when OpenSSL has a reason to stop.
    private mutating func run(_ call: (OpaquePointer) -> Int?) throws(TLSError) -> Progress {
        if let failure { throw failure }
        // Errors of other connections on this thread would be taken for this one's.
        OpenSSLErrors.clear()
        errno = 0
        if let count = call(handle) { return .done(bytes: count) }
        let systemError = errno
        switch SSL_get_error(handle, 0) {
        case SSL_ERROR_WANT_READ: return .wantsRead
        case SSL_ERROR_WANT_WRITE: return .wantsWrite
        case SSL_ERROR_ZERO_RETURN: return .closed
        case SSL_ERROR_SYSCALL: throw fail(systemError == 0 ? .connectionLost : .system(Errno(systemError)))
        default: throw fail(certificateProblem ?? OpenSSLErrors.take())
        }
    }

    private mutating func fail(_ error: TLSError) -> TLSError {
        OpenSSLErrors.clear()
        failure = error
        return error
    }

    /// Why the peer's certificate was refused; nil when it was not.
    private var certificateProblem: TLSError? {
        guard OpenSSLErrors.isVerificationFailure else { return nil }
        let code = Int32(SSL_get_verify_result(handle))
        switch code {
        case X509_V_ERR_CERT_HAS_EXPIRED: return .certificate(.expired)
        case X509_V_ERR_CERT_NOT_YET_VALID: return .certificate(.notYetValid)
        case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH:
            return .certificate(.wrongName(expected: expectedName))
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
            X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
            X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, X509_V_ERR_CERT_SIGNATURE_FAILURE:
            return .certificate(fingerprintProblem ?? .unknownAuthority)
        case X509_V_ERR_CERT_REVOKED: return .certificate(.revoked)
        case X509_V_ERR_INVALID_PURPOSE: return .certificate(.wrongPurpose)
        default: return .certificate(.other(String(cString: X509_verify_cert_error_string(Int(code)))))
        }
    }
}

extension TLSConnection {
    /// What to say when a fingerprint was to be found in the peer's chain, and is not there.
    private var fingerprintProblem: TLSError.Certificate? {
        guard let expected = context.fingerprint?.pointee else { return nil }
        let shown = CertificateFingerprint.shown(to: handle)
        guard let last = shown.last, !shown.contains(expected) else { return nil }
        return .otherFingerprint(shown: last)
    }
}

/// OpenSSL's error queue of the current thread.
private enum OpenSSLErrors {
    /// Alerts of the peer are reasons from here on (ssl.h, SSL_AD_REASON_OFFSET).
    private static let firstAlert: Int32 = 1000

    static func clear() { ERR_clear_error() }

    static var isVerificationFailure: Bool { has(SSL_R_CERTIFICATE_VERIFY_FAILED) }

    static var isKeyMismatch: Bool {
        ERR_GET_LIB(ERR_peek_last_error()) == ERR_LIB_X509
            && (reason == X509_R_KEY_VALUES_MISMATCH || reason == X509_R_KEY_TYPE_MISMATCH)
    }

    /// Empties the queue and answers what its last entry means.
    static func take() -> TLSError {
        let reason = reason
        let isTLS = ERR_GET_LIB(ERR_peek_last_error()) == ERR_LIB_SSL
        let text = takeText()
        guard isTLS else { return .failed(text) }
        switch reason {
        case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: return .noPeerCertificate
        case SSL_R_UNEXPECTED_EOF_WHILE_READING: return .connectionLost
        case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_NO_SHARED_CIPHER, SSL_R_NO_PROTOCOLS_AVAILABLE,
            SSL_R_VERSION_TOO_LOW:
            return .noCommonProtocol
        case SSL_R_WRONG_VERSION_NUMBER, SSL_R_HTTP_REQUEST, SSL_R_HTTPS_PROXY_REQUEST,
            SSL_R_UNKNOWN_PROTOCOL,
            SSL_R_PACKET_LENGTH_TOO_LONG, SSL_R_BAD_RECORD_TYPE:
            return .notTLS
        case firstAlert...: return .refusedByPeer(text)
        default: return .failed(text)
        }
    }

    /// Empties the queue and answers its last entry in OpenSSL's words.
    static func takeText() -> String {
        let code = ERR_peek_last_error()
        defer { clear() }
        guard let text = ERR_reason_error_string(code) else { return "OpenSSL error \(code)" }
        return String(cString: text)
    }

    private static var reason: Int32 { ERR_GET_REASON(ERR_peek_last_error()) }

    private static func has(_ reason: Int32) -> Bool {
        ERR_GET_LIB(ERR_peek_last_error()) == ERR_LIB_SSL && self.reason == reason
    }
}
