import Common

/// The names of samples that Elastic's agents send by themselves.
///
/// A metricset that has no others goes to the internal data stream instead of its service's own.
enum MetricNames {
    static func isKnown(_ bytes: RawSpan, _ name: Range<Int>) -> Bool { known[bytes, name] != nil }

    /// How many names are known.
    static var count: Int { known.count }

    private static let known = NameTable<Bool>(
        prefixes.flatMap { prefix, rest in
            rest.split(separator: " ").map { (name: prefix + $0, value: true) }
        }
    )

    private static let memory = "committed max used"
    private static let prefixes: [(String, String)] = [
        ("agent.background.", "cpu.overhead.pct cpu.total.pct memory.allocation.bytes"),
        (
            "agent.events.",
            "dropped queue.max_size.pct queue.min_size.pct requests.bytes requests.count total"
        ),
        ("clr.gc.", "count gen0size gen1size gen2size gen3size time"),
        ("faas.", "billed_duration coldstart_duration duration timeout"),
        ("golang.", "goroutines"),
        ("golang.heap.allocations.", "active allocated frees idle mallocs objects total"),
        ("golang.heap.gc.", "cpu_fraction next_gc_limit total_count total_pause.ns"),
        ("golang.heap.system.", "obtained released stack total"),
        ("jvm.fd.", "max used"),
        ("jvm.gc.", "alloc count time"),
        ("jvm.memory.heap.", memory),
        ("jvm.memory.heap.pool.", memory),
        ("jvm.memory.non_heap.", memory),
        ("jvm.memory.non_heap.pool.", memory),
        ("jvm.thread.", "count"),
        ("nodejs.", "eventloop.delay.avg.ms handles.active requests.active"),
        (
            "nodejs.memory.",
            "arrayBuffers.bytes external.bytes heap.allocated.bytes heap.used.bytes"
        ),
        ("ruby.", "gc.count gc.time heap.allocations.total heap.slots.free heap.slots.live threads"),
        ("system.", "cpu.total.norm.pct memory.actual.free memory.total"),
        ("system.process.cgroup.cpu.", "cfs.period.us cfs.quota.us"),
        ("system.process.cgroup.cpu.stats.", "periods throttled.ns throttled.periods"),
        ("system.process.cgroup.", "cpuacct.total.ns"),
        ("system.process.cgroup.memory.", "mem.limit.bytes mem.usage.bytes stats.inactive_file.bytes"),
        ("system.process.cpu.", "system.norm.pct total.norm.pct user.norm.pct"),
        ("system.process.memory.", "rss.bytes size"),
    ]
}
