/// How bulks are cut (`output.elasticsearch`).
package struct BulkConfiguration: Equatable, Sendable {
    package var maxEvents: Int
    /// Of the bulk as it is sent, before compression.
    package var maxBytes: Int
    /// How long the first event waits for company.
    package var maxDelay: Duration

    package init(maxEvents: Int, maxBytes: Int, maxDelay: Duration) {
        self.maxEvents = maxEvents
        self.maxBytes = maxBytes
        self.maxDelay = maxDelay
    }

    /// Reads the section; `defaults` are the service's own.
    package init(_ reader: ConfigurationReader, defaults: BulkConfiguration) {
        maxEvents = reader.int("bulk_max_events", default: defaults.maxEvents, in: 1...100_000)
        maxBytes = reader.size("bulk_max_bytes", default: defaults.maxBytes, in: 1 << 10...32 << 20)
        maxDelay = reader.duration("bulk_max_delay", default: defaults.maxDelay, in: .zero...(.seconds(60)))
    }
}
