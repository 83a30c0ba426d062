/// The `tls` section of a client: whom it trusts and what it shows.
package struct TLSClientConfiguration: Equatable, Sendable {
    package var isEnabled = false
    /// PEM files; empty means those of the system.
    package var certificateAuthorities: [String] = []
    /// The hash of the server's certificate or of its authority's.
    package var fingerprint: CertificateFingerprint?
    /// PEM file of the client's own certificate; comes with `key` or not at all.
    package var certificate: String?
    package var key: String?
    package var verificationMode = TLSVerificationMode.full
    /// The name to expect in the certificate; nil means the host that was connected to.
    package var serverName: String?

    package init() {}

    /// - Parameter enabledByDefault: for sections whose presence or whose `https` already asks for TLS.
    package init(_ reader: ConfigurationReader, enabledByDefault: Bool = false) {
        isEnabled = reader.bool("enabled", default: enabledByDefault)
        certificateAuthorities = reader.readableFiles("certificate_authorities")
        fingerprint = reader.certificateFingerprint()
        (certificate, key) = reader.certificateAndKey()
        verificationMode = reader.choice("verification_mode", default: verificationMode)
        serverName = reader.string("server_name").flatMap { $0.isEmpty ? nil : $0 }
    }
}

/// The `tls` section of a listener: what it shows and whom it lets in.
package struct TLSServerConfiguration: Equatable, Sendable {
    package var isEnabled = false
    package var certificate: String?
    package var key: String?
    /// PEM files of those who sign client certificates.
    package var certificateAuthorities: [String] = []
    package var clientAuthentication = TLSClientAuthentication.none

    package init() {}

    package init(_ reader: ConfigurationReader) {
        isEnabled = reader.bool("enabled", default: false)
        (certificate, key) = reader.certificateAndKey()
        certificateAuthorities = reader.readableFiles("certificate_authorities")
        clientAuthentication = reader.choice("client_authentication", default: clientAuthentication)
        guard isEnabled else { return }
        if certificate == nil, key == nil {
            reader.problem("certificate", "missing; a listener with TLS needs certificate and key")
        }
        if clientAuthentication != .none, certificateAuthorities.isEmpty {
            reader.problem(
                "certificate_authorities",
                "missing; client_authentication: \(clientAuthentication.rawValue) needs them"
            )
        }
    }
}

extension TLSClientConfiguration {
    /// What a connection needs; nil without TLS.
    package var settings: TLSClientSettings? {
        guard isEnabled else { return nil }
        var settings = TLSClientSettings()
        settings.certificateAuthorities = certificateAuthorities
        settings.fingerprint = fingerprint
        if let certificate, let key { settings.identity = TLSIdentity(certificate: certificate, key: key) }
        settings.verificationMode = verificationMode
        return settings
    }
}

extension TLSServerConfiguration {
    /// What a listener needs; nil without TLS.
    package var settings: TLSServerSettings? {
        guard isEnabled, let certificate, let key else { return nil }
        var settings = TLSServerSettings(identity: TLSIdentity(certificate: certificate, key: key))
        settings.certificateAuthorities = certificateAuthorities
        settings.clientAuthentication = clientAuthentication
        return settings
    }
}

extension ConfigurationReader {
    /// The path of a file that must exist; nil when the key is absent or empty.
    package func readableFile(_ key: String) -> String? {
        guard let path = string(key), !path.isEmpty else { return nil }
        if !ConfigurationFile.isReadable(path) {
            problem(key, "file \"\(path)\" cannot be read: \(Errno.current); correct the path or its rights")
        }
        return path
    }

    /// Paths of files that must exist; empty texts are left out.
    package func readableFiles(_ key: String) -> [String] {
        let paths = strings(key).filter { !$0.isEmpty }
        for path in paths where !ConfigurationFile.isReadable(path) {
            problem(key, "file \"\(path)\" cannot be read: \(Errno.current); correct the path or its rights")
        }
        return paths
    }

    /// The `fingerprint` of a section; nil when the key is absent or empty.
    package func certificateFingerprint() -> CertificateFingerprint? {
        guard let text = self.string("fingerprint"), !text.isEmpty else { return nil }
        let fingerprint = CertificateFingerprint(text)
        if fingerprint == nil {
            problem("fingerprint", "is not a SHA-256 in hexadecimal (64 digits, colons allowed)")
        }
        return fingerprint
    }

    /// The `certificate` and `key` of a section, which come in pairs.
    package func certificateAndKey() -> (certificate: String?, key: String?) {
        let certificate = readableFile("certificate")
        let key = readableFile("key")
        if certificate != nil, key == nil { problem("key", "missing; certificate and key come in pairs") }
        if certificate == nil, key != nil {
            problem("certificate", "missing; certificate and key come in pairs")
        }
        return (certificate, key)
    }
}
