import Common

extension Configuration {
    /// Where dead letters are kept.
    var deadLetterDirectory: String { dataDirectory + "/dead-letters" }

    /// All that inputs write to.
    var indexTargets: Set<IndexTarget> { Set(inputs.compactMap { pipeline($0.pipeline)?.indexTarget }) }

    /// What is done in the store before the first document.
    var elasticsearchSetup: ElasticsearchSetup { output.template.setup(for: indexTargets) }
}

extension TemplateConfiguration {
    /// A template for each name that documents go to.
    func setup(for targets: Set<IndexTarget>) -> ElasticsearchSetup {
        guard isInstalled else { return ElasticsearchSetup(templates: []) }
        var byName: [String: IndexTemplate] = [:]
        for target in targets {
            var template = template(for: target)
            // Pipelines that begin alike share one: web-%{…} and web.%{…}.
            let patterns = Set(template.patterns + (byName[template.name]?.patterns ?? []))
            template.patterns = patterns.sorted()
            byName[template.name] = template
        }
        // Data streams first: whether the store has them is tried with the first.
        let templates = byName.values.sorted { left, right in
            (left.isDataStream ? 0 : 1, left.name) < (right.isDataStream ? 0 : 1, right.name)
        }
        let stream = templates.first.flatMap { $0.isDataStream ? $0.name : nil }
        return ElasticsearchSetup(templates: templates, firstStream: stream)
    }

    private func template(for target: IndexTarget) -> IndexTemplate {
        var template = IndexTemplate(name: target.templateName)
        template.patterns = target.templatePatterns
        template.isDataStream = target.isDataStream
        template.shards = shards
        template.replicas = replicas
        template.refreshInterval = refreshInterval
        template.deleteAfter = deleteAfter
        return template
    }
}
