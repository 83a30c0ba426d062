import Glibc

/// The segments of dead letters in one directory: `dead-letters-000001.ndjson` and so on.
package struct DeadLetterDirectory: Sendable {
    package struct Segment: Equatable, Sendable {
        package let number: Int
        package let path: String
        package let byteCount: Int
        /// When something was written to it last.
        package let changed: CalendarTime
    }

    private static let prefix = "dead-letters-"
    private static let suffix = ".ndjson"

    package let path: String

    package init(_ path: String) { self.path = path }

    /// The segments there are now, oldest first; none when the directory is missing.
    package func segments() throws(DeadLetterError) -> [Segment] {
        let names: [String]
        do { names = try Path.names(in: path) } catch .notFound {
            return []
        } catch {
            throw .failed(step: "read the directory", path: path, cause: error)
        }
        return names.compactMap(segment).sorted { $0.number < $1.number }
    }

    /// Where the segment of that number stands.
    func path(of number: Int) -> String {
        let digits = String(number)
        let zeros = String(repeating: "0", count: max(6 - digits.count, 0))
        return "\(path)/\(Self.prefix)\(zeros)\(digits)\(Self.suffix)"
    }

    /// - Returns: nil for other files, and for one that has gone meanwhile.
    private func segment(_ name: String) -> Segment? {
        guard name.hasPrefix(Self.prefix), name.hasSuffix(Self.suffix),
            let number = Int(name.dropFirst(Self.prefix.count).dropLast(Self.suffix.count))
        else { return nil }
        let path = "\(self.path)/\(name)"
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        let changed = Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
        return Segment(
            number: number,
            path: path,
            byteCount: Int(status.st_size),
            changed: CalendarTime(nanoseconds: changed)
        )
    }
}
