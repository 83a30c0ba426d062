import Glibc

/// How much memory the process may use.
package enum MemoryLimit {
    /// Bytes that the control group allows, or that the machine has, whichever is less.
    package static var bytes: Int {
        let pages = sysconf(Int32(_SC_PHYS_PAGES))
        let machine = pages * sysconf(Int32(_SC_PAGESIZE))
        return controlGroups().reduce(machine > 0 ? machine : 1 << 30, min)
    }

    /// Limits of version 2 of the process's group and those around it, and of version 1 as a container sees
    /// it.
    private static func controlGroups() -> [Int] {
        var paths = ["/sys/fs/cgroup/memory/memory.limit_in_bytes"]
        var group = ownGroup()
        while true {
            paths.append("/sys/fs/cgroup\(group)/memory.max")
            guard !group.isEmpty else { break }
            group = group.lastIndex(of: "/").map { String(group[..<$0]) } ?? ""
        }
        return paths.compactMap(limit)
    }

    /// The path of the process's group of version 2, without a `/` at its end: `/system.slice/apm.service`.
    private static func ownGroup() -> String {
        // No file: no control groups, and so no limit.
        guard let text = try? AtomicFile.read("/proc/self/cgroup", limit: 64 << 10) else { return "" }
        for line in String(decoding: text, as: UTF8.self).split(separator: "\n") where line.hasPrefix("0::/")
        {
            return line.count == 4 ? "" : String(line.dropFirst(3))
        }
        return ""
    }

    /// The number in a file; nil for `max`, and where there is no such file.
    private static func limit(_ path: String) -> Int? {
        guard let bytes = try? AtomicFile.read(path, limit: 64) else { return nil }
        let text = String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
        return Int(text).flatMap { $0 > 0 ? $0 : nil }
    }
}
