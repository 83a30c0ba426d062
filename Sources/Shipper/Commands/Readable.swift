/// Numbers as people read them on a terminal.
enum Readable {
    /// `512 B`, `1.5 KiB`, `12.0 GiB`.
    static func bytes(_ count: Int) -> String {
        guard count >= 1024 else { return "\(count) B" }
        let units = ["KiB", "MiB", "GiB", "TiB", "PiB"]
        var unit = 0
        // Ten times the value in the unit, so that one digit is left behind the point.
        var tenths = count / 1024 * 10 + count % 1024 * 10 / 1024
        while tenths >= 10_240, unit < units.count - 1 {
            tenths /= 1024
            unit += 1
        }
        return "\(tenths / 10).\(tenths % 10) \(units[unit])"
    }

    /// `1 file`, `2 files`.
    static func files(_ count: Int) -> String { count == 1 ? "1 file" : "\(count) files" }

    /// `8 s`, `3 min 20 s`, `5 h 0 min`, `2 d 4 h`.
    static func seconds(_ seconds: Int) -> String {
        switch seconds {
        case ..<60: "\(seconds) s"
        case ..<3600: "\(seconds / 60) min \(seconds % 60) s"
        case ..<86400: "\(seconds / 3600) h \(seconds % 3600 / 60) min"
        default: "\(seconds / 86400) d \(seconds % 86400 / 3600) h"
        }
    }
}
