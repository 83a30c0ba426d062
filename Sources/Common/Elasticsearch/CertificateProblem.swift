/// OpenSSL's verdicts that have a sentence of their own (`X509_V_ERR_…`).
enum CertificateProblem: Int32 {
    /// The chain was not found bad: what failed is the host name.
    ///
    /// X509_V_ERR_UNSPECIFIED, which libcurl sets before it looks and leaves there.
    case nothing = 1
    /// X509_V_ERR_CERT_NOT_YET_VALID
    case notYetValid = 9
    /// X509_V_ERR_CERT_HAS_EXPIRED
    case expired = 10
}
