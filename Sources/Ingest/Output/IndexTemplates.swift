import Common

extension Configuration {
    /// The prefixes of all indices that inputs write to.
    var indexPrefixes: Set<String> { Set(inputs.compactMap { pipeline($0.pipeline)?.index }) }
}

extension TemplateConfiguration {
    /// What is done in the store before the first document of indices with these prefixes: a template for each.
    func setup(for prefixes: Set<String>) -> ElasticsearchSetup {
        guard isInstalled else { return ElasticsearchSetup(templates: []) }
        return ElasticsearchSetup(
            templates: prefixes.sorted().map { prefix in
                var template = IndexTemplate(name: prefix)
                template.shards = shards
                template.replicas = replicas
                template.refreshInterval = refreshInterval
                template.deleteAfter = deleteAfter
                return template
            }
        )
    }
}
