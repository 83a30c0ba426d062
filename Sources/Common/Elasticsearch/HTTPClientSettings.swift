/// How a client reaches and trusts a server: credentials, TLS, time-outs and limits.
package struct HTTPClientSettings: Sendable {
    /// Who we are to the server.
    package enum Credentials: Sendable {
        case none
        case basic(username: String, password: String)
        /// `id:key` as the API answers it, or the base64 of that as Kibana shows it.
        case apiKey(String)
    }

    package var credentials = Credentials.none
    /// PEM files.
    ///
    /// Empty: the system's authorities, unless a fingerprint is given.
    package var certificateAuthorities: [String] = []
    /// An authority trusted by its hash, as Elasticsearch prints it at its first start.
    package var fingerprint: CertificateFingerprint?
    /// PEM files of the client's own certificate and key; empty for none.
    package var certificate = ""
    package var key = ""
    /// With a fingerprint, `none` still checks the chain against it.
    package var verification = TLSVerificationMode.full
    /// One request from its first byte to the last of the answer.
    package var timeout = Duration.seconds(90)
    package var connectTimeout = Duration.seconds(10)
    /// Answers above this are refused: 20,000 bulk items with their reasons stay far below.
    package var maxResponseBytes = 64 << 20

    package init() {}
}
