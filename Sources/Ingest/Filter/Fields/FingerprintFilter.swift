import Common

/// Sets a field to a hash of other fields: for an id of one's own, or to compare what must not be stored.
///
///     - fingerprint: {fields: [order.id, event.action], target: "@metadata._id"}
///     - fingerprint: {fields: [user.name], target: user.hash, key: "${HASH_KEY}"}
///
/// Fields cannot run into each other: each goes in with its length, and one that is missing as missing.
struct FingerprintPlan: FilterPlan {
    enum Method: String, CaseIterable, Sendable { case sha256, siphash }

    fileprivate let fields: [FieldPath]
    fileprivate let target: FieldPath
    fileprivate let method: Method
    /// Empty for a hash that everybody can compute.
    fileprivate let key: [UInt8]

    init(_ reader: ConfigurationReader) {
        fields = reader.paths("fields")
        if fields.isEmpty { reader.problem("fields", "is missing; list the fields to hash") }
        target = reader.path("target", default: "event.hash")
        method = reader.choice("method", default: .sha256)
        key = Array(reader.string("key", default: "").utf8)
        if method == .siphash, key.isEmpty {
            reader.problem("key", "is missing; siphash is a keyed hash: set a key, or use sha256")
        }
    }

    func filter(_ workplace: FilterWorkplace) -> any Filter { FingerprintFilter(plan: self) }
}

private final class FingerprintFilter: Filter {
    private let plan: FingerprintPlan
    private let hash: SipHash
    private var input = ByteBuffer()
    private var value = ByteBuffer()
    private var output = ByteBuffer()

    init(plan: FingerprintPlan) {
        self.plan = plan
        hash = SipHash(secret: String(decoding: plan.key, as: UTF8.self))
    }

    func apply(to record: Record) throws(FilterFailure) -> FilterOutcome {
        input.removeAll()
        var isEmpty = true
        for field in plan.fields {
            guard let node = record.find(field) else {
                input.append(UInt8(0))
                continue
            }
            isEmpty = false
            value.removeAll()
            record.appendText(of: node, to: &value)
            input.append(UInt8(1))
            input.appendBigEndian(UInt32(value.count))
            input.append(value)
        }
        guard !isEmpty else {
            // All such events would have the same hash, and as an id each would replace the one before.
            throw FilterFailure(.field, "\(plan.target.text): the event has none of the fields to hash")
        }
        output.removeAll()
        switch plan.method {
        case .sha256:
            let digest = input.withSpan {
                plan.key.isEmpty ? SHA256.hash($0) : SHA256.authenticationCode($0, key: plan.key)
            }
            output.append(hexadecimal: digest)
        case .siphash:
            let digest = input.withSpan { hash.hash($0, 0..<$0.byteCount) }
            output.append(hexadecimal: digest.high)
            output.append(hexadecimal: digest.low)
        }
        try output.withSpan { text throws(FilterFailure) in
            try record.set(plan.target, text: text, 0..<text.byteCount)
        }
        return .next
    }
}
