/// How documents go to Elasticsearch or OpenSearch (`output.elasticsearch`).
package struct ElasticsearchSettings: Sendable {
    package var hosts: [HTTPServerAddress]
    package var http = HTTPClientSettings()
    /// Request bodies go out gzipped: a twelfth of the bytes for a third more of ingest's processor time.
    package var isCompressed = false
    /// A document that its fields keep out is stored without them, beside its dead letter.
    package var hasFallback = false
    /// How often to ask the store for its nodes and use those; nil uses `hosts` alone.
    package var sniffingInterval: Duration?
    /// Most requests in flight at a time, each with a thread and a connection per host; fewer while the store is slow or
    /// turns documents back (`AdaptiveConcurrency`).
    package var concurrentRequests = 2
    /// Batches accepted and not yet complete, in bytes; one batch is always accepted.
    package var maxPendingBytes = 32 << 20
    package var retry = Backoff()
    /// Empty batches kept for reuse, and bytes kept in each.
    package var maxSpareBatches = 4
    package var keptBatchBytes = 8 << 20

    package init(hosts: [HTTPServerAddress]) { self.hosts = hosts }
}
