import Common

/// Data points of one scope, put together that become one metricset: equal attributes (in any order) and time, and no
/// name twice.
struct OTLPPointGroups {
    /// A data point, and the next one of its group.
    struct Member {
        let metric: OTLPMetric
        let point: OTLPPoint
        fileprivate(set) var next: Int?
    }

    /// Points that share a metricset, as a chain through `members`.
    struct Group {
        let first: Int
        fileprivate(set) var last: Int
        fileprivate(set) var count = 1
    }

    private(set) var members: [Member] = []
    private(set) var groups: [Group] = []
    private var indices: [Key: Int] = [:]
    private var occurrences: [NamedKey: Int] = [:]

    /// What the points of a group have in common; sums of hashes stand for the attributes.
    private struct Key: Hashable {
        var low: UInt64 = 0
        var high: UInt64 = 0
        let time: UInt64
        /// How many points before had the same attributes, time and name.
        var occurrence = 0
    }

    private struct NamedKey: Hashable {
        let key: Key
        let name: SipHash.Value
    }

    /// Whether the groups should be put out before more is added: a bound on memory.
    var isFull: Bool { members.count >= Self.maxMembers }

    /// A point takes about 300 bytes here, and can be a dozen bytes in the request.
    private static let maxMembers = 1 << 15

    mutating func add(_ metric: OTLPMetric, _ point: OTLPPoint, _ bytes: RawSpan) {
        var key = Key(time: point.time)
        var attributes = OTLPElements(metric.attributesField, of: point.range)
        while let attribute = attributes.next(bytes) {
            let hash = Self.hash.hash(bytes, attribute)
            key.low &+= hash.low
            key.high &+= hash.high
        }
        let named = NamedKey(key: key, name: Self.hash.hash(bytes, metric.name))
        key.occurrence = occurrences[named, default: 0]
        occurrences[named] = key.occurrence + 1
        let index = members.count
        members.append(Member(metric: metric, point: point))
        guard let group = indices[key] else {
            indices[key] = groups.count
            groups.append(Group(first: index, last: index))
            return
        }
        members[groups[group].last].next = index
        groups[group].last = index
        groups[group].count += 1
    }

    mutating func removeAll() {
        let isLarge = members.count > Self.keptMembers
        members.removeAll(keepingCapacity: !isLarge)
        groups.removeAll(keepingCapacity: !isLarge)
        indices.removeAll(keepingCapacity: !isLarge)
        occurrences.removeAll(keepingCapacity: !isLarge)
    }

    /// Memory for more points than this is given back.
    private static let keptMembers = 4096

    /// Without a secret: who finds two sets of attributes with one sum mixes up points of his own.
    private static let hash = SipHash(key: 0x6f74_6c70, 0x0070_6f69_6e74)
}
