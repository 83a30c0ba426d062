import COpenSSL

/// SHA-256 (FIPS 180-4), computed by OpenSSL, plain and with a key.
package enum SHA256 {
    package static let byteCount = 32

    /// The hash of all bytes.
    package static func hash(_ bytes: RawSpan) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        let isDone = bytes.withUnsafeBytes {
            EVP_Digest($0.baseAddress, $0.count, &digest, nil, EVP_sha256(), nil)
        }
        // OpenSSL fails here only without memory.
        guard isDone == 1 else { fatalError("EVP_Digest: SHA-256 is not to be had") }
        return Array(digest.prefix(byteCount))
    }

    /// HMAC-SHA-256 (RFC 2104) of all bytes.
    package static func authenticationCode(_ bytes: RawSpan, key: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        let isDone = bytes.withUnsafeBytes { bytes in
            HMAC(
                EVP_sha256(),
                key,
                Int32(key.count),
                bytes.baseAddress?.assumingMemoryBound(to: UInt8.self),
                bytes.count,
                &digest,
                nil
            ) != nil
        }
        guard isDone else { fatalError("HMAC: SHA-256 is not to be had") }
        return Array(digest.prefix(byteCount))
    }
}

extension ByteBuffer {
    /// Appends two digits for each byte, in lower case.
    package mutating func append(hexadecimal bytes: [UInt8]) {
        for byte in bytes {
            append(Hexadecimal.lowerCase(byte >> 4))
            append(Hexadecimal.lowerCase(byte & 15))
        }
    }
}
