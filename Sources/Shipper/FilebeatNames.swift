import Common

/// Helps those who bring a filebeat.yml: what its settings are called here.
enum FilebeatNames {
    static func advise(_ root: ConfigurationReader) {
        root.advise(
            "filebeat",
            "write filebeat.inputs as inputs; filebeat.shutdown_timeout is shutdown_timeout"
        )
        root.advise("path", "use data_directory for path.data")
        root.advise("http", "use monitoring")
        root.advise(
            "queue",
            "remove it: a window is filled when it may be sent; see output.bulk_max_events and flush_latency"
        )
        root.advise(
            "processors",
            "remove it: lines are parsed and enriched by ingest; see fields, tags, include_lines, json"
        )
        root.advise("setup", "remove it: ingest installs templates")
        root.advise("fields", "write it in each of inputs")
        root.advise("tags", "write it in each of inputs")
        root.advise("fields_under_root", "write it in each of inputs")
        root.advise("cloud", "remove it: lines go to ingest")
        root.advise("max_procs", "remove it: one thread does all")
    }

    static func advise(input: ConfigurationReader) {
        input.advise("type", "remove it: every input follows files; container and json are sections")
        input.advise("id", "remove it: files are known by what they are")
        input.advise("enabled", "remove the input, or the key")
        input.advise("parsers", "write multiline, json (for ndjson) and container in the input itself")
        input.advise("ndjson", "it is called json here")
        input.advise("scan_frequency", "it is called scan_interval here")
        input.advise("prospector", "use exclude_files, symlinks and scan_interval in the input itself")
        input.advise("message_max_bytes", "it is called max_bytes here")
        input.advise("harvester_buffer_size", "remove it: 128 KiB serve all files")
        input.advise("tail_files", "use start_position: end")
        input.advise(
            "close",
            "use close_inactive for close.on_state_change.inactive; renamed and deleted files are read to their end"
        )
        for key in ["close_renamed", "close_removed", "close_eof", "close_timeout"] {
            input.advise(
                key,
                "remove it: a descriptor is kept until its file is read to the end; see deleted_files"
            )
        }
        input.advise("backoff", "remove it: inotify says when a file grows")
        input.advise("max_backoff", "remove it: inotify says when a file grows")
        input.advise(
            "file_identity",
            "remove it: device, inode, birth time and content together say which file it is"
        )
        input.advise(
            "processors",
            "remove it: lines are parsed and enriched by ingest; see fields, tags, include_lines, json"
        )
        input.advise("pipeline", "write it in ingest, for the port that the lines go to")
        input.advise("index", "write it in ingest, for the pipeline")
        input.advise("keep_null", "remove it: null is not sent")
        input.advise("exclude", "it is called exclude_files here")
    }

    static func advise(output: ConfigurationReader) {
        output.advise("logstash", "its keys stand in output itself")
        for key in ["elasticsearch", "kafka", "redis", "file", "console"] {
            output.advise(key, "remove it: lines go to ingest, Logstash or another Lumberjack server")
        }
        output.advise("loadbalance", "it is called load_balance here")
        output.advise("worker", "it is called workers here")
        output.advise("ssl", "it is called tls here; ca_trusted_fingerprint is its fingerprint")
        output.advise("bulk_max_size", "it is called bulk_max_events here")
        output.advise("max_retries", "remove it: nothing is given up")
        output.advise("escape_html", "remove it: < > and & are sent as they are")
        output.advise("proxy_url", "remove it: no proxy is used")
        output.advise("index", "remove it: ingest names indices")
        output.advise("enabled", "remove it")
    }
}
