/// Prepares the store before the first document: finds out what it is, installs template and lifecycle policy.
///
/// Safe to repeat and to run in many instances at once: what is there with equal content, from a newer version or
/// from somebody else, is left alone.
package struct ElasticsearchSetup: Sendable {
    /// The store refuses a step of the set-up.
    package struct Problem: Error, Equatable, CustomStringConvertible {
        package let step: String
        package let status: Int
        package let reason: String

        /// Overload or a node in trouble, not a refusal.
        package var isTemporary: Bool { status == 408 || status == 429 || status >= 500 }

        package var description: String { "cannot \(step): status \(status) \(reason)" }
    }

    /// What the set-up found out.
    struct Findings: Equatable {
        /// The store's own templates make data streams of everything that is sent: bulks may insist on it, so that no
        /// plain index takes the name of a stream while a template is missing.
        var requiresDataStreams = false
        /// The store has templates of its own for what we send; ours are not installed.
        var hasBuiltInTemplates = false
    }

    private let templates: [IndexTemplate]
    private let builtInPrefix: String?
    private let firstStream: String?

    /// - Parameters:
    ///   - templates: one for each prefix of indices; none only finds out what the store is.
    ///   - builtInPrefix: where the store has templates of its own for data streams that begin with this, `templates`
    ///     are not installed.
    ///   - firstStream: a data stream of the first of `templates`; made to see whether the store has data streams at
    ///     all. nil when all `templates` are for indices.
    package init(
        templates: [IndexTemplate],
        builtInPrefix: String? = nil,
        firstStream: String? = nil
    ) {
        self.templates = templates
        self.builtInPrefix = builtInPrefix
        self.firstStream = firstStream
    }

    /// Runs the whole set-up once, on the sender's connection.
    ///
    /// - Throws: `HTTPClientError` without an answer, `Problem` for one that refuses; nothing is half done then that
    ///   the next run would not mend.
    func run(_ client: HTTPClient, _ server: HTTPServerAddress) throws -> Findings {
        let product = try identify(client, server)
        if let builtInPrefix, try hasBuiltIn(builtInPrefix, client, server) {
            Log.info("the store has its own templates; ours are not installed", ["for": "\(builtInPrefix)*"])
            return Findings(requiresDataStreams: product.canRequireDataStreams, hasBuiltInTemplates: true)
        }
        var templates = templates
        if let firstStream, let first = templates.first,
            try !hasDataStreams(first, firstStream, product, client, server)
        {
            Log.warning(
                "the store has no data streams: documents go to plain indices of the same names, and old ones are "
                    + "not deleted by themselves",
                ["host": server.origin]
            )
            templates = templates.map { $0.isDataStream ? $0.forPlainIndices : $0 }
        }
        for template in templates { try installAll(template, product, client, server) }
        return Findings()
    }

    private func installAll(
        _ template: IndexTemplate,
        _ product: ElasticsearchProduct,
        _ client: HTTPClient,
        _ server: HTTPServerAddress
    ) throws {
        let hasLifecycle = try installLifecycle(template, product, client, server)
        try install(template, product, hasLifecycle: hasLifecycle, client, server)
    }

    // MARK: - Product

    private func identify(_ client: HTTPClient, _ server: HTTPServerAddress) throws -> ElasticsearchProduct {
        let response = try client.perform(.get, server, "/")
        guard response.status == 200 else { throw problem("ask what the store is", response, client) }
        let product = client.withBody { ElasticsearchProduct($0, header: response.product) }
        guard let product else {
            let step = "recognise Elasticsearch or OpenSearch in the answer to GET /"
            throw Problem(step: step, status: response.status, reason: "it has no version.number")
        }
        Log.info(
            "found the store",
            ["host": server.origin, "product": product.kind.rawValue, "version": product.version]
        )
        if !product.isSupported {
            Log.warning("Elasticsearch before 7.8 is not supported and may refuse what is sent")
        }
        return product
    }

    // MARK: - Template

    private func hasBuiltIn(
        _ prefix: String,
        _ client: HTTPClient,
        _ server: HTTPServerAddress
    ) throws -> Bool {
        let path = "/_index_template?filter_path=\(BuiltInTemplates.filterPath)"
        let response = try client.perform(.get, server, path)
        switch response.status {
        case 200: return client.withBody { BuiltInTemplates.cover(prefix, in: $0) }
        // None at all, for some stores.
        case 404: return false
        default: throw problem("read the index templates", response, client)
        }
    }

    /// Whether the store makes data streams.
    ///
    /// Some stores take the template and then refuse every document; only the making of a stream tells.
    private func hasDataStreams(
        _ template: IndexTemplate,
        _ stream: String,
        _ product: ElasticsearchProduct,
        _ client: HTTPClient,
        _ server: HTTPServerAddress
    ) throws -> Bool {
        let list = try client.perform(.get, server, "/_data_stream/\(stream)*")
        switch list.status {
        // What we may not ask for, documents may still make.
        case 200, 401, 403, 404: break
        case 400, 405, 501: return false
        default: throw problem("ask for data streams", list, client)
        }
        let plain = template.forPlainIndices.fingerprint(on: product, hasLifecycle: false)
        let response = try client.perform(.get, server, "/_index_template/\(template.name)")
        if response.status == 200,
            client.withBody({ SetupDecision(template: $0, fingerprint: plain) }) == .equal
        {
            // An earlier run found out.
            return false
        }
        try installAll(template, product, client, server)
        let made = try client.perform(.put, server, "/_data_stream/\(stream)")
        if made.status == 429 || made.status >= 500, made.status != 501 {
            throw problem("make the data stream \(stream)", made, client)
        }
        // Of the refusals, that it exists is as good as success.
        let (type, _) = client.withBody { ElasticsearchError.read($0, maxBytes: Self.maxReasonBytes) }
        return made.status != 501 && type != "unsupported_operation_exception"
    }

    private func install(
        _ template: IndexTemplate,
        _ product: ElasticsearchProduct,
        hasLifecycle: Bool,
        _ client: HTTPClient,
        _ server: HTTPServerAddress
    ) throws {
        let path = "/_index_template/\(template.name)"
        let step = "read the index template \(template.name)"
        let response = try client.perform(.get, server, path)
        guard response.status == 200 || response.status == 404 else { throw problem(step, response, client) }
        let decision =
            response.status == 404
            ? SetupDecision.install
            : client.withBody { bytes in
                SetupDecision(
                    template: bytes,
                    fingerprint: template.fingerprint(on: product, hasLifecycle: hasLifecycle)
                )
            }
        guard decision.tellsToInstall(what: "index template", name: template.name) else { return }
        let body = template.body(on: product, hasLifecycle: hasLifecycle)
        try put(body, path, "install the index template \(template.name)", client, server)
        Log.info("index template installed", ["name": template.name, "pattern": template.pattern])
    }

    // MARK: - Lifecycle

    /// - Returns: whether the template shall name the policy in its settings.
    private func installLifecycle(
        _ template: IndexTemplate,
        _ product: ElasticsearchProduct,
        _ client: HTTPClient,
        _ server: HTTPServerAddress
    ) throws -> Bool {
        guard let policy = LifecyclePolicy(template) else { return false }
        let isOpenSearch = product.kind == .openSearch
        let path = isOpenSearch ? "/_plugins/_ism/policies/\(policy.name)" : "/_ilm/policy/\(policy.name)"
        let response = try client.perform(.get, server, path)
        switch response.status {
        case 200, 404: break
        case 400, 405, 501:
            // "no handler found": OpenSearch without the plugin, or a store that only speaks the API.
            Log.warning(
                "the store has no lifecycle management; old indices are not deleted by themselves",
                ["host": server.origin, "template.delete_after": IndexTemplate.text(policy.deleteAfter)]
            )
            return false
        default: throw problem("read the lifecycle policy \(policy.name)", response, client)
        }
        let (decision, version) = client.withBody { bytes in
            response.status == 404
                ? (SetupDecision.install, nil)
                : isOpenSearch
                    ? SetupDecision.stateManagement(bytes, policy)
                    : (SetupDecision(indexLifecycle: bytes, policy), nil)
        }
        if decision.tellsToInstall(what: "lifecycle policy", name: policy.name) {
            let body = isOpenSearch ? policy.indexStateManagement : policy.indexLifecycle
            let step = "install the lifecycle policy \(policy.name) (template.delete_after: 0 does without)"
            // 409: another instance was quicker.
            try put(body, path + (version ?? ""), step, client, server, tolerating: isOpenSearch ? 409 : nil)
            Log.info("lifecycle policy installed", ["name": policy.name])
        }
        return !isOpenSearch
    }

    // MARK: - Requests

    private func put(
        _ body: String,
        _ path: String,
        _ step: String,
        _ client: HTTPClient,
        _ server: HTTPServerAddress,
        tolerating tolerated: Int? = nil
    ) throws {
        var buffer = ByteBuffer()
        buffer.append(body)
        let response = try buffer.withUnsafeBytes { try client.perform(.put, server, path, body: $0) }
        guard (200...299).contains(response.status) || response.status == tolerated else {
            throw problem(step, response, client)
        }
    }

    /// Text of the store kept of a refusal.
    private static let maxReasonBytes = 1024

    private func problem(_ step: String, _ response: HTTPClient.Response, _ client: HTTPClient) -> Problem {
        let (_, reason) = client.withBody { ElasticsearchError.read($0, maxBytes: Self.maxReasonBytes) }
        return Problem(step: step, status: response.status, reason: reason)
    }
}
