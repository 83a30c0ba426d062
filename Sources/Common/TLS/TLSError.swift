/// Why there is no TLS connection.
package enum TLSError: Error, Equatable {
    /// What is wrong with the certificate that the peer showed.
    package enum Certificate: Equatable, Sendable {
        case expired
        case notYetValid
        /// None of the known authorities signed it.
        case unknownAuthority
        /// No certificate of its chain has the hash that was asked for; the last one has this.
        case otherFingerprint(shown: CertificateFingerprint)
        /// It is made for other names than the one asked for.
        case wrongName(expected: String)
        case revoked
        /// It may not be used for this purpose.
        case wrongPurpose
        /// OpenSSL's words for all else.
        case other(String)
    }

    /// A PEM file of the settings cannot be used.
    case file(path: String, reason: String)
    /// The private key does not belong to the certificate.
    case keyMismatch(certificate: String, key: String)
    /// Clients are to be verified, and nobody is trusted to sign them.
    case noCertificateAuthorities
    case certificate(Certificate)
    /// A client certificate is required, and none came.
    case noPeerCertificate
    /// The peer's bytes are no TLS records.
    case notTLS
    /// The two sides share no protocol version or cipher.
    case noCommonProtocol
    /// The peer ended the connection with this alert.
    case refusedByPeer(String)
    /// The peer closed the connection without saying so in TLS.
    case connectionLost
    case system(Errno)
    /// OpenSSL's words for all else.
    case failed(String)
}

extension TLSError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .file(let path, let reason): "cannot use \(path): \(reason)"
        case .keyMismatch(let certificate, let key): "the key in \(key) does not belong to \(certificate)"
        case .noCertificateAuthorities:
            "client_authentication needs certificate_authorities: the files of those who sign clients"
        case .certificate(let problem): "the peer's certificate is refused: \(problem)"
        case .noPeerCertificate:
            "the client sent no certificate: set tls.certificate and tls.key on its side"
        case .notTLS: "the peer does not speak TLS: enable TLS on both sides or on none"
        case .noCommonProtocol: "the peer supports no protocol or cipher of ours (TLS 1.2 or later is needed)"
        case .refusedByPeer(let alert): "the peer refused the connection: \(Self.advice(alert))"
        case .connectionLost: "the peer closed the connection"
        case .system(let error): "\(error)"
        case .failed(let reason): "TLS failed: \(reason)"
        }
    }

    /// An alert in OpenSSL's words, with what it asks of this side.
    private static func advice(_ alert: String) -> String {
        switch alert {
        case "tlsv1 alert unknown ca":
            "it does not know the authority that signed our certificate (\(alert))"
        case "tlsv13 alert certificate required":
            "it wants a client certificate, set tls.certificate and tls.key (\(alert))"
        case "sslv3 alert certificate expired": "our certificate has expired (\(alert))"
        case "sslv3 alert bad certificate": "it does not accept our certificate (\(alert))"
        default: alert
        }
    }
}

extension TLSError.Certificate: CustomStringConvertible {
    package var description: String {
        switch self {
        case .expired: "it has expired; renew it, or correct this machine's clock"
        case .notYetValid: "it is not valid yet; correct this machine's clock"
        case .unknownAuthority: "no known authority signed it; add the right one to certificate_authorities"
        case .otherFingerprint(let shown):
            "no certificate of its chain has the SHA-256 in fingerprint; the last of the chain has \(shown)"
        case .wrongName(let expected):
            "it is not made for \(expected); set server_name, or verification_mode: certificate"
        case .revoked: "it has been revoked"
        case .wrongPurpose: "it is not made for this use (extendedKeyUsage)"
        case .other(let reason): reason
        }
    }
}
