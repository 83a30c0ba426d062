import COpenSSL

/// The SHA-256 of a certificate, as `openssl x509 -fingerprint -sha256` and Elasticsearch print it.
package struct CertificateFingerprint: Hashable, Sendable, CustomStringConvertible {
    private static let byteCount = 32
    private let bytes: [UInt8]

    /// - Parameter text: 64 hexadecimal digits in either case, colons between the bytes allowed.
    /// - Returns: nil for anything else.
    package init?(_ text: String) {
        let digits = text.utf8.filter { $0 != UInt8(ascii: ":") }.map(Hexadecimal.value)
        guard digits.count == 2 * Self.byteCount else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = digits[index], let low = digits[index + 1] else { return nil }
            bytes.append(high << 4 | low)
        }
        self.bytes = bytes
    }

    /// The hash of an OpenSSL `X509`; nil when OpenSSL cannot compute it.
    private init?(certificate: OpaquePointer) {
        var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        guard X509_digest(certificate, EVP_sha256(), &digest, &count) == 1, count == Self.byteCount else {
            return nil
        }
        bytes = Array(digest.prefix(Self.byteCount))
    }

    /// Upper case with colons: `AB:CD:…`.
    package var description: String {
        bytes.map { byte in
            let digits = [Hexadecimal.lowerCase(byte >> 4), Hexadecimal.lowerCase(byte & 15)]
            return String(decoding: digits, as: UTF8.self).uppercased()
        }.joined(separator: ":")
    }
}

extension CertificateFingerprint {
    /// What a handshake is checked against, at a fixed address that OpenSSL is given.
    struct Check {
        let expected: CertificateFingerprint
        /// Hashes of the chain that the server showed last, its own certificate first.
        var shown: [CertificateFingerprint] = []
    }

    /// Makes OpenSSL trust, in the handshakes of `context` (an `SSL_CTX`), exactly those certificates of the
    /// server's chain whose hash is the expected one.
    ///
    /// Without such a one the other authorities decide.
    static func install(_ check: UnsafeMutablePointer<Check>, in context: UnsafeMutableRawPointer) {
        SSL_CTX_set_cert_verify_callback(
            OpaquePointer(context),
            { store, argument in
                guard let store, let argument else { return 0 }
                let check = argument.assumingMemoryBound(to: Check.self)
                check.pointee.shown = []
                return CertificateFingerprint.verify(store, check.pointee.expected) {
                    check.pointee.shown.append($0)
                }
            },
            check
        )
    }

    /// The same for a context that threads share, so that nothing is noted down.
    ///
    /// - Parameter expected: outlives the context.
    static func install(_ expected: UnsafeMutablePointer<CertificateFingerprint>, in context: OpaquePointer) {
        SSL_CTX_set_cert_verify_callback(
            context,
            { store, argument in
                guard let store, let argument else { return 0 }
                let expected = argument.assumingMemoryBound(to: CertificateFingerprint.self)
                return CertificateFingerprint.verify(store, expected.pointee) { _ in }
            },
            expected
        )
    }

    /// Hashes of the chain that the peer of an OpenSSL connection (`SSL`) showed, its own certificate first.
    static func shown(to connection: OpaquePointer) -> [CertificateFingerprint] {
        let chain = SSL_get_peer_cert_chain(connection)
        return (0..<min(OPENSSL_sk_num(chain), maxChainLength)).compactMap { index in
            OPENSSL_sk_value(chain, index).flatMap { CertificateFingerprint(certificate: OpaquePointer($0)) }
        }
    }

    /// Certificates of one chain looked at; longer chains end at this one.
    private static let maxChainLength: Int32 = 16

    private static func verify(
        _ store: OpaquePointer,
        _ expected: CertificateFingerprint,
        _ note: (CertificateFingerprint) -> Void
    ) -> Int32 {
        guard let anchors = OPENSSL_sk_new_null() else { return 0 }
        defer { OPENSSL_sk_free(anchors) }
        let chain = X509_STORE_CTX_get0_untrusted(store)
        for index in 0..<min(OPENSSL_sk_num(chain), maxChainLength) {
            guard let certificate = OPENSSL_sk_value(chain, index),
                let fingerprint = CertificateFingerprint(certificate: OpaquePointer(certificate))
            else { continue }
            note(fingerprint)
            if fingerprint == expected { OPENSSL_sk_push(anchors, certificate) }
        }
        if OPENSSL_sk_num(anchors) > 0 {
            X509_STORE_CTX_set0_trusted_stack(store, anchors)
            // The anchor may be an intermediate or the server's own certificate.
            X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(store), UInt(X509_V_FLAG_PARTIAL_CHAIN))
        }
        return X509_verify_cert(store)
    }
}
