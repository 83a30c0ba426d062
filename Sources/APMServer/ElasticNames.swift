import Common

/// Helps those who bring the file of Elastic's server: what its settings are called here.
enum ElasticNames {
    /// Advises on keys of the root and of `output.elasticsearch`.
    static func advise(_ root: ConfigurationReader, _ output: ConfigurationReader) {
        root.advise("apm-server", "its keys stand at the top level here, without the prefix")
        root.advise("ssl", "it is called tls here")
        root.advise(
            "kibana",
            "remove it: agent configurations are read from Elasticsearch, where Kibana keeps them"
        )
        root.advise("max_concurrent_decoders", "use workers: each thread decodes one line at a time")
        root.advise("queue", "use output.elasticsearch.pending_bytes for memory and spool for the disk")
        root.advise("setup", "use output.elasticsearch.template")
        root.advise("path", "use data_directory for path.data")
        root.advise("http", "use monitoring")
        root.advise("pprof", "remove it; /metrics and /stats of monitoring have the numbers")
        root.advise("instrumentation", "remove it; /metrics and /stats of monitoring have the numbers")
        output.advise("ssl", "it is called tls here; ca_trusted_fingerprint is its fingerprint")
        output.advise("protocol", "write it in hosts: https://name:9200")
        output.advise("path", "write it in hosts: https://name:9200/path")
        output.advise("flush_bytes", "use bulk_max_bytes, counted before compression")
        output.advise("flush_interval", "use bulk_max_delay")
        output.advise("max_requests", "use concurrent_requests")
        output.advise(
            "max_retries",
            "remove it: what Elasticsearch cannot take now is tried again without limit"
        )
        output.advise("compression_level", "use compression: true or false")
        output.advise("proxy_url", "remove it: no proxy is used")
    }
}
