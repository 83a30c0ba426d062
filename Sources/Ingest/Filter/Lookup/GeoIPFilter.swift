import Common

/// Adds the place of an address, or who runs its network, from a GeoIP database.
///
///     - geoip: {field: client.ip}                                  sets client.geo.*
///     - geoip: {field: client.ip, database: /usr/share/GeoIP/GeoLite2-ASN.mmdb}      sets client.as.*
///     - geoip: {field: host, target: server.geo, as_target: server.as}
///
/// Without `database` it looks into the pipelines' own (`geoip.database`). Of a list the first address that is known
/// counts. An address that is not known gets the tag `_geoip_lookup_failure`.
struct GeoIPPlan: FilterPlan {
    fileprivate let field: FieldPath
    fileprivate let target: FieldPath
    fileprivate let networkTarget: FieldPath
    /// Path of the database; nil for the one of the pipelines.
    let database: String?

    init(_ reader: ConfigurationReader) {
        field = reader.path("field", default: "source.ip")
        let parent = field.keys.count > 1 ? field.parent?.text ?? "source" : "source"
        target = reader.path("target", default: parent + ".geo")
        networkTarget = reader.path("as_target", default: parent + ".as")
        database = reader.string("database")
        if database == "" { reader.problem("database", "is empty; name a file, or leave it out") }
    }

    func filter(_ workplace: FilterWorkplace) -> any Filter {
        if workplace.enrichment?.hasPlaces(in: database) != true {
            Log.limited(
                .warning,
                key: "geoip \(workplace.pipeline)",
                "the filter geoip has no database; set geoip.database, or database in the filter",
                ["pipeline": workplace.pipeline]
            )
        }
        return GeoIPFilter(plan: self, enrichment: workplace.enrichment)
    }

    /// The databases that filters name, for whoever opens them.
    static func databases(in steps: [FilterStep]) -> [String] {
        steps.flatMap { step -> [String] in
            let inner = databases(in: step.onFailure ?? [])
            switch step.action {
            case .filter(let plan): return ((plan as? GeoIPPlan)?.database).map { [$0] + inner } ?? inner
            case .branch(let then, let otherwise):
                return databases(in: then) + databases(in: otherwise) + inner
            }
        }
    }
}

private final class GeoIPFilter: Filter {
    private let plan: GeoIPPlan
    private let enrichment: Enrichment?
    private var text = ByteBuffer()
    private var json = ByteBuffer()

    init(plan: GeoIPPlan, enrichment: Enrichment?) {
        self.plan = plan
        self.enrichment = enrichment
    }

    func apply(to record: Record) throws(FilterFailure) -> FilterOutcome {
        guard let node = record.find(plan.field), !record.isEmpty(node) else { return .next }
        let nodes = record.kind(of: node) == .list ? record.children(of: node) : [node]
        for node in nodes {
            guard record.copyText(of: node, into: &text), let entry = entry() else { continue }
            try set(plan.target, entry.members, record)
            try set(plan.networkTarget, entry.networkMembers, record)
            return .next
        }
        throw FilterFailure(.geoIP)
    }

    /// What is known of the address in `text`, behind which a port may stand.
    private func entry() -> GeoIPEntry? {
        guard let enrichment, text.count <= 64 else { return nil }
        let address = text.withSpan {
            IPAddress($0, 0..<$0.byteCount) ?? AddressScanner.next(in: $0, from: 0)?.address
        }
        guard let address else { return nil }
        return plan.database.map { enrichment.place(of: address, in: $0) } ?? enrichment.place(of: address)
    }

    private func set(_ path: FieldPath, _ members: [UInt8], _ record: Record) throws(FilterFailure) {
        guard !members.isEmpty else { return }
        json.removeAll()
        json.append(UInt8(ascii: "{"))
        json.append(members)
        json.append(UInt8(ascii: "}"))
        try json.withSpan { json throws(FilterFailure) in try record.set(path, json: json, 0..<json.byteCount)
        }
    }
}
