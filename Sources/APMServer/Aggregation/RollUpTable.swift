import Common
import Glibc

/// Groups of equal time and key with what was counted for them.
///
/// Keys lie behind one another in one buffer; finding a group takes one hash, one probe and one comparison,
/// and counting for a known group allocates nothing. A table only grows, up to its limits, and is then thrown
/// away as a whole. Used by one thread at a time.
final class RollUpTable {
    /// One future document.
    struct Group {
        /// Of the key's bytes alone.
        let hash: UInt64
        /// Start of the interval, in seconds since 1970; `overflowTime` for an overflow group.
        let time: Int64
        let keyStart: UInt32
        let keyCount: UInt32
        /// Where the second and the third part of the key begin.
        let top: UInt32
        let inner: UInt32
        /// Row of the service; of an overflow group, the row of its sketch.
        let owner: Int32
        let kind: RollUpKind
        /// In thousandths: of transactions the successes, of destinations the requests.
        var first: Int64 = 0
        /// Of transactions the failures in thousandths, of destinations microseconds times thousandths.
        var second: Int64 = 0

        var key: Range<Int> { Int(keyStart)..<Int(keyStart) + Int(keyCount) }
        var isOverflow: Bool { time == RollUpTable.overflowTime }
        var sketch: Int { Int(owner) }
    }

    private struct Service {
        let hash: UInt64
        let name: Range<Int>
        /// Groups by kind.
        var groups: InlineArray<4, Int32> = .init(repeating: 0)
    }

    /// Overflow groups have no time of events: they say when they were written.
    static let overflowTime = Int64.min
    /// What names the service of events whose own service found no room.
    static let otherService = Array(#""service":{"name":"_other"}"#.utf8)

    let limits: RollUpLimits
    private let hash: KeyedHash
    private(set) var groups: [Group] = []
    private(set) var keys = ByteBuffer(capacity: 4096)
    private(set) var cells: HistogramCells
    private(set) var sketches: [DistinctSketch] = []
    /// Groups by kind, without those of overflow.
    private(set) var counts: InlineArray<4, Int> = .init(repeating: 0)
    private var index = SlotIndex()
    private var services: [Service] = []
    private var serviceIndex = SlotIndex()

    private let groupLimits: InlineArray<4, Int>
    private let serviceLimits: InlineArray<4, Int32>
    private let maxKeyBytes: Int

    /// - Parameter hash: the same for tables that are merged.
    init(limits: RollUpLimits, hash: KeyedHash) {
        self.limits = limits
        self.hash = hash
        cells = HistogramCells(maxCount: limits.maxCells)
        groupLimits = InlineArray { limits.groups(RollUpKind.allCases[$0]) }
        serviceLimits = InlineArray { Int32(clamping: limits.groupsPerService(RollUpKind.allCases[$0])) }
        // Offsets of keys have 32 bits.
        maxKeyBytes = min(limits.maxKeyBytes, 1 << 31)
    }

    var isEmpty: Bool { groups.isEmpty }

    /// Estimated number of the groups of `kind` that found no room.
    func lostGroups(_ kind: RollUpKind) -> Int {
        groups.reduce(0) { sum, group in
            guard group.kind == kind, group.isOverflow else { return sum }
            return sum + Int(sketches[group.sketch].estimate)
        }
    }

    /// Where the name of an ordinary group's service stands in `keys`.
    func service(of group: Group) -> Range<Int> { services[Int(group.owner)].name }

    // MARK: - Finding and adding

    /// The row of the group with that time and key: a new one, or an overflow group, when there is none yet.
    ///
    /// - Parameter service: names the service in an overflow document.
    @inline(__always)
    func row(
        _ kind: RollUpKind,
        time: Int64,
        service: UnsafeRawBufferPointer,
        key: UnsafeRawBufferPointer,
        top: Int,
        inner: Int
    ) -> Int {
        let keyHash = hash.hash(key)
        let slotHash = Self.mixed(keyHash, kind, time)
        return find(slotHash, kind, time, key) ?? add(slotHash, keyHash, kind, time, service, key, top, inner)
    }

    @inline(__always)
    private func find(_ slotHash: UInt64, _ kind: RollUpKind, _ time: Int64, _ key: UnsafeRawBufferPointer)
        -> Int?
    {
        index.find(slotHash) { row in
            let group = groups[row]
            guard group.time == time, group.kind == kind, group.keyCount == key.count else { return false }
            return keys.equals(key, at: Int(group.keyStart))
        }
    }

    private func add(
        _ slotHash: UInt64,
        _ keyHash: UInt64,
        _ kind: RollUpKind,
        _ time: Int64,
        _ service: UnsafeRawBufferPointer,
        _ key: UnsafeRawBufferPointer,
        _ top: Int,
        _ inner: Int
    ) -> Int {
        let number = Int(kind.rawValue)
        guard let owner = serviceRow(service) else {
            return Self.otherService.withUnsafeBytes { overflowRow(kind, service: $0, lost: slotHash) }
        }
        guard counts[number] < groupLimits[number], services[owner].groups[number] < serviceLimits[number],
            keys.count + key.count <= maxKeyBytes
        else { return overflowRow(kind, service: service, lost: slotHash) }
        counts[number] += 1
        services[owner].groups[number] += 1
        return insert(slotHash, keyHash, kind, time, key, top, inner, owner: owner)
    }

    private func insert(
        _ slotHash: UInt64,
        _ keyHash: UInt64,
        _ kind: RollUpKind,
        _ time: Int64,
        _ key: UnsafeRawBufferPointer,
        _ top: Int,
        _ inner: Int,
        owner: Int
    ) -> Int {
        let row = groups.count
        let start = keys.count
        keys.append(key)
        groups.append(
            Group(
                hash: keyHash,
                time: time,
                keyStart: UInt32(start),
                keyCount: UInt32(key.count),
                top: UInt32(top),
                inner: UInt32(inner),
                owner: Int32(owner),
                kind: kind
            )
        )
        index.insert(slotHash, row: row) { Self.mixed(groups[$0].hash, groups[$0].kind, groups[$0].time) }
        return row
    }

    /// The row of a service, which is added while there is room.
    private func serviceRow(_ service: UnsafeRawBufferPointer) -> Int? {
        let serviceHash = hash.hash(service)
        let found = serviceIndex.find(serviceHash) { row in
            let name = services[row].name
            return name.count == service.count && keys.equals(service, at: name.lowerBound)
        }
        if let found { return found }
        guard services.count < limits.maxServices, keys.count + service.count <= maxKeyBytes else {
            return nil
        }
        let start = keys.count
        keys.append(service)
        services.append(Service(hash: serviceHash, name: start..<keys.count))
        serviceIndex.insert(serviceHash, row: services.count - 1) { services[$0].hash }
        return services.count - 1
    }

    /// The row of the group for what found no room, by service.
    ///
    /// There are at most as many as services, and one, of each kind.
    func overflowRow(_ kind: RollUpKind, service: UnsafeRawBufferPointer, lost: UInt64?) -> Int {
        let keyHash = hash.hash(service)
        let slotHash = Self.mixed(keyHash, kind, Self.overflowTime)
        var row = find(slotHash, kind, Self.overflowTime, service)
        if row == nil {
            sketches.append(DistinctSketch())
            row = insert(
                slotHash,
                keyHash,
                kind,
                Self.overflowTime,
                service,
                service.count,
                service.count,
                owner: sketches.count - 1
            )
        }
        guard let row else { fatalError("roll-ups: no overflow group") }
        if let lost { sketches[groups[row].sketch].insert(lost) }
        return row
    }

    /// Time and kind mixed into the hash of a key.
    @inline(__always)
    private static func mixed(_ hash: UInt64, _ kind: RollUpKind, _ time: Int64) -> UInt64 {
        var mixed = hash ^ (UInt64(bitPattern: time) &+ UInt64(kind.rawValue))
        mixed = (mixed ^ mixed >> 32) &* 0xD6E8_FEB8_6659_FD93
        return mixed ^ mixed >> 32
    }

    // MARK: - Counting

    /// Adds groups that found no room elsewhere to those of an overflow group.
    func merge(_ sketch: DistinctSketch, row: Int) { sketches[groups[row].sketch].merge(sketch) }

    /// Adds to both numbers of a group.
    @inline(__always)
    func add(_ first: Int64, _ second: Int64, row: Int) {
        groups[row].first = groups[row].first.addingSaturated(first)
        groups[row].second = groups[row].second.addingSaturated(second)
    }

    /// Counts a duration.
    @inline(__always)
    func count(bucket: UInt16, weight: Int64, row: Int) {
        cells.add(group: row, bucket: bucket, weight: weight)
    }
}

// MARK: - Merging

extension RollUpTable {
    /// Adds everything that `other` has counted, times cut to `interval`.
    func merge(_ other: RollUpTable, interval: RollUpInterval) {
        var rows: [Int] = []
        rows.reserveCapacity(other.groups.count)
        other.keys.withUnsafeBytes { keys in
            for group in other.groups {
                let key = UnsafeRawBufferPointer(rebasing: keys[group.key])
                let row: Int
                if group.isOverflow {
                    row = overflowRow(group.kind, service: key, lost: nil)
                    merge(other.sketches[group.sketch], row: row)
                } else {
                    row = self.row(
                        group.kind,
                        time: interval.start(of: group.time),
                        service: UnsafeRawBufferPointer(rebasing: keys[other.service(of: group)]),
                        key: key,
                        top: Int(group.top),
                        inner: Int(group.inner)
                    )
                }
                add(group.first, group.second, row: row)
                rows.append(row)
            }
        }
        other.cells.forEach { count(bucket: $0.bucket, weight: $0.weight, row: rows[$0.group]) }
    }
}

extension ByteBuffer {
    /// Whether `bytes` stand at `offset`.
    @inline(__always)
    fileprivate func equals(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> Bool {
        withUnsafeBytes { own in
            guard let own = own.baseAddress, let other = bytes.baseAddress else { return bytes.isEmpty }
            return memcmp(own + offset, other, bytes.count) == 0
        }
    }
}
