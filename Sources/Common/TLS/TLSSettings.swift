/// How much of the server's certificate a client checks.
///
/// The values of `verification_mode`.
package enum TLSVerificationMode: String, CaseIterable, Sendable {
    /// Signed by a known authority, valid today, and made for the name that was asked for.
    case full
    /// As `full`, whatever the name.
    case certificate
    /// Nothing is checked: whoever can reach the wire can read and change what goes over it.
    case none
}

/// Whether a server asks its clients for certificates.
///
/// The values of `client_authentication`.
package enum TLSClientAuthentication: String, CaseIterable, Sendable {
    case none
    /// A client may come without; a certificate that it shows must be good.
    case optional
    case required
}

/// A certificate chain and its private key, both PEM files.
package struct TLSIdentity: Equatable, Sendable {
    package var certificate: String
    package var key: String

    package init(certificate: String, key: String) {
        self.certificate = certificate
        self.key = key
    }
}

/// What a client shows and believes.
package struct TLSClientSettings: Equatable, Sendable {
    /// PEM files; empty for the system's authorities, or for none when there is a fingerprint.
    package var certificateAuthorities: [String] = []
    /// The hash of a certificate in the server's chain, which is trusted besides the authorities.
    package var fingerprint: CertificateFingerprint?
    package var identity: TLSIdentity?
    package var verificationMode = TLSVerificationMode.full

    package init() {}
}

/// What a server shows and believes.
package struct TLSServerSettings: Equatable, Sendable {
    package var identity: TLSIdentity
    /// PEM files of those who sign clients.
    package var certificateAuthorities: [String] = []
    package var clientAuthentication = TLSClientAuthentication.none

    package init(identity: TLSIdentity) { self.identity = identity }
}
