import COpenSSL
import Glibc

/// What the certificate that a peer showed says of itself.
package struct TLSPeerCertificate: Equatable, Sendable {
    /// In OpenSSL's one-line form, such as `/CN=ingest.example.org`.
    package let subject: String
    package let issuer: String
    package let expiry: CalendarTime

    /// More of a name is cut.
    private static let maxNameBytes = 512

    /// - Parameter certificate: an OpenSSL `X509`.
    fileprivate init?(_ certificate: OpaquePointer) {
        subject = Self.text(X509_get_subject_name(certificate))
        issuer = Self.text(X509_get_issuer_name(certificate))
        var time = tm()
        guard ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &time) == 1 else { return nil }
        expiry = CalendarTime(seconds: Int64(timegm(&time)))
    }

    private static func text(_ name: OpaquePointer?) -> String {
        var bytes = [CChar](repeating: 0, count: maxNameBytes)
        guard X509_NAME_oneline(name, &bytes, Int32(bytes.count)) != nil else { return "" }
        return String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

extension TLSConnection {
    /// The peer's certificate, once the handshake is done; nil when it showed none.
    package var peerCertificate: TLSPeerCertificate? {
        SSL_get0_peer_certificate(handle).flatMap(TLSPeerCertificate.init)
    }
}
