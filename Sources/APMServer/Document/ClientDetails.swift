import Common

/// What can be found out of clients from what documents say of them: the place of `client.ip` (`client.geo`), and the
/// browser behind `user_agent.original`.
///
/// Elasticsearch's own pipelines do this for its APM data streams (processors `geoip` and `user_agent`); here it is
/// done where the store has no such pipelines. One per worker.
final class ClientDetails {
    private let databases: ClientDatabases
    private let store: StoreTraits
    private var lookUps: Enrichment?
    /// A user agent without escapes.
    private var plain = ByteBuffer(capacity: 1024)

    init(_ databases: ClientDatabases, _ store: StoreTraits) {
        self.databases = databases
        self.store = store
    }

    /// Appends `name`, `version`, `device` and `os` to the open object `user_agent`.
    ///
    /// - Parameter original: where the characters of `user_agent.original` stand in `document`, as in JSON.
    func append(userAgent original: Range<Int>, to document: inout ByteBuffer) {
        guard !original.isEmpty, let lookUps = activeLookUps else { return }
        let entry = document.withSpan { text in
            guard text.firstIndex(of: UInt8(ascii: "\\"), in: original) != nil else {
                return lookUps.userAgent(original, of: text)
            }
            plain.removeAll()
            plain.append(unescaped: JSONReader.Text(range: original, hasEscapes: true), of: text)
            return plain.withSpan { lookUps.userAgent(0..<$0.byteCount, of: $0) }
        }
        guard let entry else { return }
        document.separate()
        document.append(entry.members)
    }

    /// Appends `geo` to the open object `client`; nothing for an address that has no place.
    func append(placeOf address: IPAddress, to document: inout ByteBuffer) {
        guard let entry = activeLookUps?.place(of: address), !entry.members.isEmpty else { return }
        document.key(#""geo":{"#)
        document.append(entry.members)
        document.append(UInt8(ascii: "}"))
    }

    /// Lets go of a GeoIP database that has been replaced.
    func refresh() { lookUps?.refresh() }

    /// nil where the store's pipelines do it.
    private var activeLookUps: Enrichment? {
        guard !store.hasBuiltInTemplates else { return nil }
        if let lookUps { return lookUps }
        let made = databases.makeLookUps()
        lookUps = made
        return made
    }
}
