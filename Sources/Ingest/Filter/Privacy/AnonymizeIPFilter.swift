import Common

/// Makes addresses say less: cuts them to their network, or gives each another one by a keyed hash.
///
///     - anonymize_ip: {}                                  203.0.113.77 becomes 203.0.113.0
///     - anonymize_ip: {method: hash, key: "${IP_KEY}"}    fd5e:…: the same for the same visitor
///     - anonymize_ip: {in_text: true}                     also inside of event.original and message
///
/// Look-ups of places come before it: the pipeline's own is made in front of all filters.
struct AnonymizeIPPlan: FilterPlan {
    fileprivate enum Method: String, CaseIterable, Sendable { case truncate, hash }

    private static let defaultFields = [
        "source.ip", "source.address", "client.ip", "client.address", "related.ip",
        "nginx.access.remote_ip_list",
    ]
    private static let textFields = ["event.original", "message"]
    /// Fewer characters can be guessed, and four thousand million addresses be tried with each.
    private static let minKeyCharacters = 16

    fileprivate let fields: [FieldPath]
    fileprivate let method: Method
    fileprivate let ipv4Prefix: Int
    fileprivate let ipv6Prefix: Int
    fileprivate let hash: SipHash

    init(_ reader: ConfigurationReader) {
        let named = reader.paths("fields")
        let inText = reader.bool("in_text", default: false)
        let defaults = named.isEmpty ? Self.defaultFields : []
        let texts = inText ? Self.textFields : []
        fields = named + (defaults + texts).compactMap { FieldPath($0) }
        method = reader.choice("method", default: .truncate)
        ipv4Prefix = reader.int("ipv4_prefix", default: 24, in: 0...32)
        ipv6Prefix = reader.int("ipv6_prefix", default: 48, in: 0...128)
        let key = reader.string("key", default: "")
        if method == .hash, key.count < Self.minKeyCharacters {
            reader.problem(
                "key",
                "\(key.isEmpty ? "is missing" : "is too short"); use \(Self.minKeyCharacters) random characters or more"
            )
        }
        hash = SipHash(secret: key)
    }

    func filter(_ workplace: FilterWorkplace) -> any Filter { AnonymizeIPFilter(plan: self) }

    fileprivate func anonymized(_ address: IPAddress) -> IPAddress {
        guard method == .hash else {
            return address.truncated(ipv4Prefix: ipv4Prefix, ipv6Prefix: ipv6Prefix)
        }
        let words = [address.high, address.low]
        let value = words.withUnsafeBytes { hash.hash($0.bytes, 0..<16) }
        // A unique local address (RFC 4193): it is valid in fields of type ip, and nobody's.
        return IPAddress(high: value.high & ~(0xFF << 56) | 0xFD << 56, low: value.low)
    }
}

private final class AnonymizeIPFilter: Filter {
    private let plan: AnonymizeIPPlan
    private let editor = TextEditor()

    init(plan: AnonymizeIPPlan) { self.plan = plan }

    func apply(to record: Record) throws(FilterFailure) -> FilterOutcome {
        for field in plan.fields {
            try editor.edit(field, of: record) { text, output throws(FilterFailure) in
                change(text, &output)
            }
        }
        return .next
    }

    private func change(_ text: RawSpan, _ output: inout ByteBuffer) -> Bool {
        var copied = 0
        while let (range, address) = AddressScanner.next(in: text, from: copied) {
            output.append(text, copied..<range.lowerBound)
            output.append(plan.anonymized(address))
            copied = range.upperBound
        }
        guard copied > 0 else { return false }
        output.append(text, copied..<text.byteCount)
        return true
    }
}

extension SipHash {
    /// A hash with a key made of text of any length.
    init(secret: String) {
        let bytes = Array(secret.utf8)
        let digest = SHA256.hash(bytes.span.bytes)
        let words = digest.span.bytes
        self.init(
            key: words.unsafeLoadUnaligned(fromByteOffset: 0, as: UInt64.self),
            words.unsafeLoadUnaligned(fromByteOffset: 8, as: UInt64.self)
        )
    }
}
