import Common

/// Where documents go, how bulks are cut, and what is installed in the store (`output`).
struct OutputConfiguration: Sendable {
    /// The one output that is configured.
    enum Kind: Equatable, Sendable {
        case elasticsearch
        case file(FileOutputConfiguration)
        case standardOutput
    }

    var kind = Kind.elasticsearch
    var elasticsearch: ElasticsearchSettings
    var bulk: BulkConfiguration
    var template: TemplateConfiguration

    private static let bulkDefaults = BulkConfiguration(
        maxEvents: 4000,
        maxBytes: 3 << 20,
        maxDelay: .milliseconds(50)
    )
    private static let kinds = ["elasticsearch", "file", "stdout"]

    init(_ reader: ConfigurationReader) {
        let chosen = Self.kinds.filter(reader.has)
        if chosen.count > 1 {
            reader.problem(
                chosen[1],
                "output has \(chosen.joined(separator: " and ")), and documents go to one of them; remove the others"
            )
        }
        let section = reader.section("elasticsearch")
        elasticsearch = ElasticsearchSettings(section)
        elasticsearch.hasFallback = section.bool("fallback", default: false)
        bulk = BulkConfiguration(section, defaults: Self.bulkDefaults)
        template = TemplateConfiguration(section.section("template"))
        let file = reader.section("file")
        let fileConfiguration = FileOutputConfiguration(file)
        let standardOutput = reader.section("stdout")
        if chosen == ["file"] {
            if fileConfiguration.path.isEmpty { file.problem("path", "missing; name the file to write") }
            kind = .file(fileConfiguration)
        } else if chosen == ["stdout"], standardOutput.isPresent {
            kind = .standardOutput
        }
    }
}

/// A file of documents, for debugging (`output.file`).
struct FileOutputConfiguration: Equatable, Sendable {
    var path: String
    /// The file is moved aside when it would grow above this.
    var maxBytes: Int
    /// Files kept that were moved aside.
    var keep: Int

    init(_ reader: ConfigurationReader) {
        path = reader.string("path", default: "")
        maxBytes = reader.size("max_bytes", default: 100 << 20, in: 1 << 10...1 << 50)
        keep = reader.int("keep", default: 5, in: 0...1000)
    }
}

/// The index template and lifecycle policy (`output.elasticsearch.template`).
struct TemplateConfiguration: Sendable {
    var isInstalled: Bool
    var shards: Int
    var replicas: Int
    var refreshInterval: Duration
    /// Age at which a daily index is deleted; zero for never.
    var deleteAfter: Duration

    init(_ reader: ConfigurationReader) {
        isInstalled = reader.bool("install", default: true)
        shards = reader.int("shards", default: 1, in: 1...1024)
        replicas = reader.int("replicas", default: 1, in: 0...100)
        refreshInterval = reader.duration("refresh_interval", default: .seconds(5))
        deleteAfter = reader.duration("delete_after", default: .seconds(30 * 86400))
    }
}

extension Configuration {
    /// Bytes of batches that the output holds at most; two batches always fit.
    var pendingBytes: Int { max(limits.memoryBytes, 2 * output.bulk.maxBytes) }
}
