import Common

/// Sets `client.fingerprint`: a keyed hash of a client's address and user agent.
///
/// It tells one visitor's requests from another's without saying who they are. Without the key nobody can find out by trial
/// which address a value belongs to; with another key the same visitor has another value.
final class ClientFingerprint {
    /// Shorter secrets can be guessed.
    static let minSecretBytes = 16
    /// Longer user agents count by what stands in front.
    private static let maxAgentBytes = 4096

    private let hash: SipHash
    private var text = ByteBuffer(capacity: 512)

    init(secret: String) {
        // Any constant will do: the secret goes in as the message, and what comes out is the key.
        hash = SipHash(key: SipHash(key: 0x636C_6965_6E74_2066, 0x696E_6765_7270_7269).hash(secret))
    }

    /// Sets the field for a request of `client`.
    func apply(
        _ client: IPAddress,
        userAgent: Range<Int>?,
        _ line: RawSpan,
        _ event: inout Event
    ) {
        text.removeAll()
        // As a value, so that both spellings of an address are one visitor.
        text.append(hexadecimal: client.high)
        text.append(hexadecimal: client.low)
        if let userAgent { text.append(line, userAgent.prefix(Self.maxAgentBytes)) }
        let value = text.withSpan { hash.hash($0, 0..<$0.byteCount) }
        let start = event.arena.count
        event.arena.append(hexadecimal: value.high)
        event.arena.append(hexadecimal: value.low)
        event.set(.clientFingerprint, text: start..<event.arena.count, in: .arena)
    }
}
