import Testing

@testable import Shipper

/// What is forgotten, and that no clock makes it be what is needed.
@Suite struct RegistryExpiryTests {
    private static let day: Int64 = 24 * 3600
    /// Seconds since 1970 at the start.
    private static let start: Int64 = 1_700_000_000
    private let present = FileKey(device: 1, inode: 1, birth: 0)
    private let gone = FileKey(device: 1, inode: 2, birth: 0)

    /// A registry with a file that is there and one that has gone.
    private func registry(goneSeen: Int64 = start, isEnded: Bool = false) -> Registry {
        Registry([
            FileState(key: present, path: "/present", lastSeen: Self.start),
            FileState(key: gone, path: "/gone", lastSeen: goneSeen, isEnded: isEnded),
        ])
    }

    /// One scan: the present file is seen, the other is not.
    private func scan(
        _ registry: Registry,
        after seconds: Int64,
        wall: Int64,
        _ retention: StateRetention = StateRetention()
    ) {
        registry.observe(now: seconds * 1_000_000_000, wall: wall)
        registry.states[present]?.lastSeen = wall
        registry.expire(isOpen: { _ in false }, retention: { _ in retention })
    }

    @Test("a state goes a day after its file, an ended life too")
    func aDay() {
        for isEnded in [false, true] {
            let registry = registry(isEnded: isEnded)
            scan(registry, after: 0, wall: Self.start)
            scan(registry, after: Self.day, wall: Self.start + Self.day)
            #expect(registry.all.count == 2)
            scan(registry, after: Self.day + 1, wall: Self.start + Self.day + 1)
            #expect(registry.all.map(\.key) == [present])
            #expect(registry.isDirty)
        }
    }

    @Test("the first hour after a start forgets nothing, however old it is")
    func start() {
        let registry = registry(goneSeen: 0)
        scan(registry, after: 0, wall: Self.start)
        scan(registry, after: 3599, wall: Self.start + 3599)
        #expect(registry.states[gone] != nil)
        scan(registry, after: 3600, wall: Self.start + 3600)
        #expect(registry.states[gone] == nil)
    }

    @Test("a clock that is set forward or back changes no age", arguments: [-40, -2, 2, 400])
    func jump(days: Int64) {
        let registry = registry()
        let jump = days * Self.day
        scan(registry, after: 0, wall: Self.start)
        scan(registry, after: 7200, wall: Self.start + 7200 + jump)
        #expect(registry.states[gone] != nil)
        #expect(registry.states[present] != nil)
        // Back again, as NTP does it.
        scan(registry, after: 7300, wall: Self.start + 7300)
        #expect(registry.states[gone]?.lastSeen == Self.start)
        scan(registry, after: Self.day + 1, wall: Self.start + Self.day + 1)
        #expect(registry.states[gone] == nil)
        #expect(registry.states[present] != nil)
    }

    @Test("a state from a future that was none ages from the start on")
    func future() {
        let registry = registry(goneSeen: Self.start + 400 * Self.day)
        scan(registry, after: 0, wall: Self.start)
        #expect(registry.states[gone]?.lastSeen == Self.start)
    }

    @Test("an open file is never forgotten")
    func open() {
        let registry = registry(goneSeen: 0)
        registry.observe(now: 0, wall: Self.start)
        registry.observe(now: 10 * Self.day * 1_000_000_000, wall: Self.start + 10 * Self.day)
        registry.expire(isOpen: { $0 == gone }, retention: { _ in StateRetention() })
        #expect(Array(registry.states.keys) == [gone])
    }

    @Test(
        "clean_removed and clean_inactive",
        arguments: [
            (true, .zero, 86400), (true, .seconds(3600), 3600), (true, .seconds(172_800), 86400),
            (false, .zero, nil), (false, .seconds(172_800), 172_800),
        ] as [(Bool, Duration, Int64?)]
    )
    func retention(cleansRemoved: Bool, cleanInactive: Duration, seconds: Int64?) {
        #expect(StateRetention(cleansRemoved: cleansRemoved, cleanInactive: cleanInactive).seconds == seconds)
        let registry = registry()
        let retention = StateRetention(cleansRemoved: cleansRemoved, cleanInactive: cleanInactive)
        scan(registry, after: 0, wall: Self.start, retention)
        let last = seconds ?? 100 * Self.day
        scan(registry, after: last, wall: Self.start + last, retention)
        #expect(registry.states[gone] != nil)
        scan(registry, after: last + 1, wall: Self.start + last + 1, retention)
        #expect((registry.states[gone] == nil) == (seconds != nil))
    }

    @Test("whatever is configured, the number of states of files that have gone is bounded")
    func bounded() {
        let count = Registry.maxGone + 10
        let registry = Registry(
            (0..<count).map {
                FileState(
                    key: FileKey(device: 1, inode: UInt64($0), birth: 0),
                    path: "/x",
                    lastSeen: Self.start - Int64(count - $0)
                )
            }
        )
        registry.observe(now: 0, wall: Self.start)
        registry.expire(isOpen: { _ in false }, retention: { _ in StateRetention(cleansRemoved: false) })
        #expect(registry.states.count == Registry.maxGone)
        #expect(registry.states[FileKey(device: 1, inode: 9, birth: 0)] == nil)
        #expect(registry.states[FileKey(device: 1, inode: 10, birth: 0)] != nil)
    }
}
