import Common
import Glibc

/// Gives memory back that only start-up or a backlog needed.
///
/// A page of program text that was touched once counts as resident until someone else needs the memory; libraries
/// that initialise themselves touch most of twelve megabytes. Dropped pages come back from the page cache when they
/// are run again.
enum IdleMemory {
    /// Drops the text of program and libraries from memory.
    ///
    /// Costs less than a millisecond.
    static func release() {
        let maps: [UInt8]
        do {
            maps = try AtomicFile.read("/proc/self/maps", limit: 1 << 20)
        } catch {
            Log.debug("memory is not trimmed", ["error": "\(error)"])
            return
        }
        for range in textRanges(maps.span.bytes) {
            madvise(UnsafeMutableRawPointer(bitPattern: range.lowerBound), range.count, Int32(MADV_DONTNEED))
        }
    }

    /// The mappings of files that can be run and not written: `556f3a2da000-556f3a80c000 r-xp … /usr/bin/shipper`.
    ///
    /// Nothing in them can differ from the file, so dropping them loses nothing.
    static func textRanges(_ maps: RawSpan) -> [Range<UInt>] {
        var ranges: [Range<UInt>] = []
        var splitter = LineSplitter()
        while let line = splitter.next(maps, end: maps.byteCount) {
            let fields = maps.text(line.content).split(separator: " ", omittingEmptySubsequences: true)
            guard fields.count >= 6, fields[1] == "r-xp", fields[5].hasPrefix("/") else { continue }
            let bounds = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
            if bounds.count == 2, bounds[0] < bounds[1] { ranges.append(bounds[0]..<bounds[1]) }
        }
        return ranges
    }
}
