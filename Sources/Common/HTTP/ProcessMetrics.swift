import Glibc

/// What the kernel knows about the process, under the names that Prometheus clients use.
enum ProcessMetrics {
    static func register(in metrics: Metrics) {
        metrics.gauge("process_resident_memory_bytes", "Memory of the process in RAM.") { residentBytes }
        metrics.gauge("process_cpu_seconds", "Processor time of the process, user and system.") { cpuSeconds }
        metrics.gauge("process_open_fds", "Open file descriptors.") { openDescriptors }
    }

    /// The second number of /proc/self/statm, in pages; 0 when it cannot be read.
    private static var residentBytes: Double {
        guard let statm = try? AtomicFile.read("/proc/self/statm", limit: 4096) else { return 0 }
        let fields = statm.split(separator: UInt8(ascii: " "))
        guard fields.count > 1, let pages = Int(String(decoding: fields[1], as: UTF8.self)) else { return 0 }
        return Double(pages * sysconf(Int32(_SC_PAGESIZE)))
    }

    private static var cpuSeconds: Double {
        var time = timespec()
        guard clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0 else { return 0 }
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    private static var openDescriptors: Double {
        guard let directory = opendir("/proc/self/fd") else { return 0 }
        defer { closedir(directory) }
        var count = 0
        while readdir(directory) != nil { count += 1 }
        // Not counted: ".", ".." and the directory itself.
        return Double(max(0, count - 3))
    }
}
