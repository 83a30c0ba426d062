import Foundation
import TestSupport
import Testing

@testable import Common

@Suite("GeoIP")
struct GeoIPTests {
    private struct Vectors: Decodable {
        let build_epoch: UInt64
        let cases: [Place]
        let not_found_checks: [Place]
    }

    private struct Place: Decodable {
        let ip: String
        let found: Bool
        var continent_code: String?
        var continent_name: String?
        var country_iso_code: String?
        var country_name: String?
        var region_name: String?
        var city_name: String?
        var lat: Double?
        var lon: Double?
    }

    private struct Members: Decodable {
        struct Location: Decodable {
            let lat: Double
            let lon: Double
        }
        var continent_code: String?
        var continent_name: String?
        var country_iso_code: String?
        var country_name: String?
        var region_iso_code: String?
        var region_name: String?
        var city_name: String?
        var location: Location?
    }

    @Test(
        "answers as Python's reader does",
        .enabled(if: InstalledGeoIPDatabase.path != nil, "needs DB-IP City Lite, see Tests/Fixtures/geoip")
    )
    func answersTheCases() throws {
        let source = GeoIPSource(path: try #require(InstalledGeoIPDatabase.path))
        let cache = GeoIPCache(source: source)
        let file = try Data(contentsOf: URL(fileURLWithPath: Fixture.path("geoip/dbip-city-cases.json")))
        let vectors = try JSONDecoder().decode(Vectors.self, from: file)
        // Another month's database has other answers.
        try #require(source.status?.buildEpoch == vectors.build_epoch)
        for place in vectors.cases {
            let address = try #require(IPAddress(place.ip))
            let entry = try #require(cache.entry(for: address))
            let members = try JSONDecoder().decode(
                Members.self,
                from: Data("{".utf8) + entry.members + Data("}".utf8)
            )
            #expect(members.continent_code == place.continent_code)
            #expect(members.continent_name == place.continent_name)
            #expect(members.country_iso_code == place.country_iso_code)
            #expect(members.country_name == place.country_name)
            #expect(members.region_name == place.region_name)
            #expect(members.region_iso_code == nil)
            #expect(members.city_name == place.city_name)
            #expect(members.location?.lat == place.lat)
            #expect(members.location?.lon == place.lon)
        }
        for place in vectors.not_found_checks {
            let address = try #require(IPAddress(place.ip))
            #expect((cache.entry(for: address) != nil) == place.found)
        }
    }

    @Test(
        "writes the members of geo",
        arguments: [
            (
                "1.2.3.4",
                #""continent_name":"North America","continent_code":"NA","country_iso_code":"US","#
                    + #""country_name":"United States","region_iso_code":"US-CA","region_name":"California","#
                    + #""city_name":"Mountain View","postal_code":"94035","timezone":"America/Los_Angeles","#
                    + #""location":{"lat":37.4223,"lon":-122.085}"#
            ),
            (
                "2001:db8::1",
                #""country_iso_code":"DE","country_name":"Germany","location":{"lat":51.0,"lon":9.0}"#
            ),
            ("5.6.7.8", #""city_name":"Quo\"te\\ \n""#),
            ("6.6.6.6", nil), ("8.8.8.8", nil), ("10.0.0.1", nil), ("::1", nil), ("2001:db9::1", nil),
        ] as [(String, String?)]
    )
    func writesMembers(_ address: String, members: String?) throws {
        let cache = GeoIPCache(source: GeoIPSource(path: Fixture.path("geoip/tiny.mmdb")))
        for _ in 0..<2 {
            #expect(try cache.place(address) == members)
        }
    }

    @Test(
        "writes who runs a network",
        arguments: [
            ("1.2.3.4", #""number":64500,"organization":{"name":"Example \"Net\""}"#),
            ("2001:db8::1", #""number":4200000000"#), ("8.8.8.8", nil),
        ] as [(String, String?)]
    )
    func writesNetworks(_ address: String, members: String?) throws {
        let cache = GeoIPCache(source: GeoIPSource(path: Fixture.path("geoip/tiny-asn.mmdb")))
        let entry = try cache.entry(for: #require(IPAddress(address)))
        #expect(entry.map { String(decoding: $0.networkMembers, as: UTF8.self) } == members)
        #expect(entry?.members.isEmpty != false)
    }

    @Test("finds IPv4 in its IPv6 spelling, and one record for all addresses of a network")
    func sharesRecords() throws {
        let cache = GeoIPCache(source: GeoIPSource(path: Fixture.path("geoip/tiny.mmdb")))
        let first = try cache.entry(for: #require(IPAddress("1.2.3.4")))
        #expect(try cache.entry(for: #require(IPAddress("::ffff:1.2.3.200"))) === first)
        #expect(cache.count == 1 && cache.hits == 1 && cache.misses == 1)
    }

    @Test("follows the file: missing, there, replaced, damaged, gone")
    func followsTheFile() throws {
        let folder = FileManager.default.temporaryDirectory.path + "/geoip-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/city.mmdb"
        func place(_ content: [UInt8]) throws {
            try Data(content).write(to: URL(fileURLWithPath: path), options: .atomic)
        }
        let tiny = try [UInt8](Data(contentsOf: URL(fileURLWithPath: Fixture.path("geoip/tiny.mmdb"))))
        let renewed = try [UInt8](
            Data(contentsOf: URL(fileURLWithPath: Fixture.path("geoip/tiny-renewed.mmdb")))
        )

        let source = GeoIPSource(path: path)
        let cache = GeoIPCache(source: source)
        #expect(source.status == nil)
        #expect(try cache.place("1.2.3.4") == nil)

        try place(tiny)
        source.reloadIfChanged()
        #expect(source.status?.type == "Test-City")
        #expect(try cache.city("1.2.3.4") == "Mountain View")
        let generation = source.currentGeneration
        source.reloadIfChanged()
        #expect(source.currentGeneration == generation)

        try place(renewed)
        source.reloadIfChanged()
        #expect(try cache.city("1.2.3.4") == "Renewed")

        for damaged in [Array(tiny.prefix(tiny.count / 2)), [], Array(repeating: 7, count: 5_000)] {
            try place(damaged)
            source.reloadIfChanged()
            #expect(try cache.city("1.2.3.4") == "Renewed")
        }

        try FileManager.default.removeItem(atPath: path)
        source.reloadIfChanged()
        #expect(try cache.city("1.2.3.4") == "Renewed")

        try place(tiny)
        source.reloadIfChanged()
        #expect(try cache.city("1.2.3.4") == "Mountain View")
    }

    @Test("lets go of an old database when the last worker has seen the new one")
    func releasesOldDatabases() throws {
        let folder = FileManager.default.temporaryDirectory.path + "/geoip-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/city.mmdb"
        try FileManager.default.copyItem(atPath: Fixture.path("geoip/tiny.mmdb"), toPath: path)
        let source = GeoIPSource(path: path)
        let cache = GeoIPCache(source: source)
        weak let old = source.current().database
        #expect(old != nil)
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.copyItem(atPath: Fixture.path("geoip/tiny-renewed.mmdb"), toPath: path)
        source.reloadIfChanged()
        #expect(old != nil)
        cache.refresh()
        #expect(old == nil)
    }

    @Test("survives a file that is emptied while it is in use, and uses what is put there later")
    func survivesTruncation() throws {
        let folder = FileManager.default.temporaryDirectory.path + "/geoip-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/city.mmdb"
        try FileManager.default.copyItem(atPath: Fixture.path("geoip/tiny.mmdb"), toPath: path)
        let source = GeoIPSource(path: path)
        let cache = GeoIPCache(source: source)
        #expect(truncate(path, 0) == 0)
        #expect(try cache.place("1.2.3.4") == nil)
        source.reloadIfChanged()
        #expect(try cache.place("1.2.3.4") == nil)
        try Data(contentsOf: URL(fileURLWithPath: Fixture.path("geoip/tiny.mmdb"))).write(
            to: URL(fileURLWithPath: path)
        )
        source.reloadIfChanged()
        #expect(try cache.city("1.2.3.4") == "Mountain View")
    }

    @Test("walks trees with records of every size as libmaxminddb does", arguments: [24, 28, 32])
    func walksTrees(recordBits: Int) throws {
        let path = FileManager.default.temporaryDirectory.path + "/geoip-\(UUID().uuidString).mmdb"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let tiny = try [UInt8](Data(contentsOf: URL(fileURLWithPath: Fixture.path("geoip/tiny.mmdb"))))
        let nodeCount = try Int(GeoIPDatabase(path: Fixture.path("geoip/tiny.mmdb")).treeShape.nodeCount)
        try Data(tiny.withRecords(of: recordBits, nodeCount: nodeCount)).write(to: URL(fileURLWithPath: path))
        let database = try GeoIPDatabase(path: path)
        #expect(database.treeShape.recordBits == recordBits)
        try expectSameRecords(
            database,
            ["1.2.3.4", "1.2.3.255", "5.6.7.8", "9.9.9.9", "0.0.0.0", "255.255.255.255"]
        )
    }

    @Test(
        "walks a large tree as libmaxminddb does",
        .enabled(if: InstalledGeoIPDatabase.path != nil, "needs DB-IP City Lite, see Tests/Fixtures/geoip")
    )
    func walksLargeTree() throws {
        let database = try GeoIPDatabase(path: #require(InstalledGeoIPDatabase.path))
        // Steps of a prime: every /16 and all kinds of last bits.
        try expectSameRecords(
            database,
            stride(from: 0, to: 1 << 32, by: 104_729).map { number in
                (0..<4).map { String(number >> (24 - 8 * $0) & 255) }.joined(separator: ".")
            }
        )
    }

    private func expectSameRecords(_ database: GeoIPDatabase, _ addresses: [String]) throws {
        var tree = try #require(GeoIPTree(database))
        var different: [String] = []
        var found = 0
        for text in addresses {
            let address = try #require(IPAddress(text))
            let record = database.record(for: address)
            if record != nil { found += 1 }
            if tree.record(forIPv4: UInt32(truncatingIfNeeded: address.low)) != record {
                different.append(text)
            }
        }
        #expect(different == [])
        #expect(found > 0)
    }

    @Test("survives a file with one byte changed, or cut short")
    func survivesDamage() throws {
        let folder = FileManager.default.temporaryDirectory.path + "/geoip-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let tiny = try [UInt8](Data(contentsOf: URL(fileURLWithPath: Fixture.path("geoip/tiny.mmdb"))))
        let addresses = try ["1.2.3.4", "5.6.7.8", "2001:db8::1", "::1"].map { try #require(IPAddress($0)) }
        let path = folder + "/damaged.mmdb"
        func lookUp(_ bytes: [UInt8]) throws {
            try Data(bytes).write(to: URL(fileURLWithPath: path))
            guard let database = try? GeoIPDatabase(path: path) else { return }
            var tree = GeoIPTree(database)
            for address in addresses {
                if address.isIPv4 { _ = tree?.record(forIPv4: UInt32(truncatingIfNeeded: address.low)) }
                guard let record = database.record(for: address) else { continue }
                _ = GeoIPEntry(record: record, in: database)
            }
        }
        for index in stride(from: 0, to: tiny.count, by: 11) {
            var bytes = tiny
            bytes[index] ^= UInt8(truncatingIfNeeded: 1 << (index % 8))
            try lookUp(bytes)
            bytes[index] = 0xFF
            try lookUp(bytes)
        }
        for length in stride(from: 0, to: tiny.count, by: 61) { try lookUp(Array(tiny.prefix(length))) }
    }
}

extension [UInt8] {
    /// A database of 24-bit records with records of another size.
    fileprivate func withRecords(of bits: Int, nodeCount: Int) throws -> [UInt8] {
        var result: [UInt8] = []
        for node in 0..<nodeCount {
            let record = { (start: Int) in self[start..<start + 3].reduce(0) { $0 << 8 | Int($1) } }
            let (left, right) = (record(node * 6), record(node * 6 + 3))
            let number =
                bits == 28 ? (left & 0xFF_FFFF) << 32 | (left >> 24) << 28 | right : left << bits | right
            result += (0..<bits / 4).reversed().map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
        }
        result += self[(nodeCount * 6)...]
        let key = Array("record_size".utf8)
        let place = try #require(result.indices.last { result[$0...].starts(with: key) }) + key.count + 1
        result[place] = UInt8(bits)
        return result
    }
}

extension GeoIPCache {
    fileprivate func place(_ address: String) throws -> String? {
        try entry(for: #require(IPAddress(address))).map { String(decoding: $0.members, as: UTF8.self) }
    }

    fileprivate func city(_ address: String) throws -> String? {
        try place(address)?.components(separatedBy: #""city_name":""#).last?.components(separatedBy: "\"")
            .first
    }
}
