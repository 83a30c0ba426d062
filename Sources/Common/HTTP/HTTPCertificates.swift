/// The PEM texts that a server with TLS needs.
struct HTTPCertificates: Sendable {
    let certificate: String
    let key: String
    /// Of those who sign client certificates; nil when clients are not asked for one.
    let trust: String?

    /// No certificate or key is larger, nor a bundle of authorities.
    private static let maxFileBytes = 4 << 20

    /// Reads the files and checks that they fit together.
    init(_ settings: TLSServerSettings) throws(TLSError) {
        // OpenSSL says what is wrong with which file; GnuTLS, which does the work here, only that something is.
        _ = try TLSContext(server: settings)
        certificate = try Self.read(settings.identity.certificate)
        key = try Self.read(settings.identity.key)
        guard settings.clientAuthentication != .none else {
            trust = nil
            return
        }
        var authorities = ""
        for path in settings.certificateAuthorities { authorities += try Self.read(path) + "\n" }
        trust = authorities
    }

    private static func read(_ path: String) throws(TLSError) -> String {
        do {
            return String(decoding: try AtomicFile.read(path, limit: maxFileBytes), as: UTF8.self)
        } catch {
            throw .file(path: path, reason: "\(error)")
        }
    }
}
