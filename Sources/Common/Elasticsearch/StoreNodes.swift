/// Reads the nodes of a store that may be sent to (sniffing).
///
///     {"nodes":{"ID":{"roles":["data","ingest"],"http":{"publish_address":"es-1/10.0.0.5:9200"}}}}
package enum StoreNodes {
    /// Asks for no more than is read.
    static let path = "/_nodes/http?filter_path=nodes.*.roles,nodes.*.http.publish_address"

    /// The addresses of all nodes but those that are only masters; empty when the answer is not what was asked for.
    ///
    /// - Parameter asked: the server that answered; scheme and path are taken from it.
    package static func addresses(_ bytes: RawSpan, as asked: HTTPServerAddress) -> [HTTPServerAddress] {
        var found: [HTTPServerAddress] = []
        do throws(JSONError) {
            guard let nodes = JSONLookup.range(bytes, ["nodes"]) else { return [] }
            var reader = JSONReader(offset: nodes.lowerBound)
            guard try reader.kind(bytes) == .object else { return [] }
            var isFirst = true
            try reader.beginObject(bytes)
            while try reader.nextKey(bytes, isFirst: &isFirst) != nil {
                let node = bytes.extracting(try reader.value(bytes))
                guard try !isMasterOnly(node),
                    let text = JSONLookup.text(node, ["http", "publish_address"]),
                    let address = address(text, as: asked)
                else { continue }
                found.append(address)
            }
        } catch {
            return []
        }
        return found
    }

    /// Whether a node neither holds data nor takes documents in; one without roles does everything.
    private static func isMasterOnly(_ node: RawSpan) throws(JSONError) -> Bool {
        guard let range = JSONLookup.range(node, ["roles"]) else { return false }
        var reader = JSONReader(offset: range.lowerBound)
        guard try reader.kind(node) == .array else { return false }
        var isFirst = true
        var roles: [String] = []
        try reader.beginArray(node)
        while try reader.nextElement(node, isFirst: &isFirst) {
            let role = try reader.value(node)
            roles.append(node.text(role.dropFirst().dropLast()))
        }
        let isWorker = roles.contains { $0 == "ingest" || $0.hasPrefix("data") }
        return !isWorker && roles.contains { $0 == "master" || $0 == "cluster_manager" }
    }

    /// `10.0.0.5:9200`, `[::1]:9200`, or with a name to use in front: `es-1/10.0.0.5:9200`.
    private static func address(_ text: String, as asked: HTTPServerAddress) -> HTTPServerAddress? {
        var authority = text
        if let slash = text.firstIndex(of: "/") {
            let port = text.lastIndex(of: ":").map { text[$0...] } ?? ""
            authority = String(text[..<slash] + port)
        }
        return try? HTTPServerAddress((asked.isTLS ? "https://" : "http://") + authority + asked.prefix)
    }
}
