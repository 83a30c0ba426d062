import Common

/// How documents are kept on their way to the store (`data_directory`, `spool`, `dead_letters`,
/// `output.elasticsearch`).
struct DeliverySettings: Sendable {
    /// Spool and dead letters live below it.
    var dataDirectory = "/var/lib/apm-server"
    var limits = DeliveryQueue.Limits()
    var deadLetters = DeadLetterLimits()
    var elasticsearch: ElasticsearchSettings
    /// Templates, lifecycle policies and what the store has of them; nil touches nothing.
    var schema: APMSchema? = APMSchema()

    init(elasticsearch: ElasticsearchSettings) { self.elasticsearch = elasticsearch }

    /// Decodes from the root of the configuration; complaints are collected in `reader`.
    ///
    /// - Parameter isClassic: documents go to daily indices instead of data streams.
    init(_ reader: ConfigurationReader, isClassic: Bool = false) {
        let output = reader.section("output").section("elasticsearch")
        elasticsearch = ElasticsearchSettings(output, concurrentRequests: 4)
        dataDirectory = reader.string("data_directory", default: dataDirectory)
        if dataDirectory.isEmpty { reader.problem("data_directory", "is empty; name a directory") }
        let spool = reader.section("spool")
        limits.after =
            spool.duration(
                "after",
                default: .seconds(1),
                in: .milliseconds(1)...(.seconds(60))
            ).nanoseconds
        limits.spoolBytes = spool.size("max_bytes", default: 1 << 30, in: 16 << 20...1 << 50)
        limits.memoryBytes = output.size("pending_bytes", default: 16 << 20, in: 1 << 20...1 << 40)
        limits.writeBytes = limits.memoryBytes
        limits.replayBytes = max(limits.memoryBytes / 4, limits.replayBatchBytes)
        deadLetters = DeadLetterLimits(reader.section("dead_letters"))
        schema = APMSchema(output.section("template"), isClassic: isClassic)
    }
}
