import Common

/// The shipper's numbers, counted by the event loop and read by the monitoring server.
final class ShipperMetrics: Sendable {
    let metrics = Metrics()
    let eventsStored: Counter
    let bytesStored: Counter
    let windowsSent: Counter
    let windowsStored: Counter
    let windowsResent: Counter
    let wireBytes: Counter
    let connections: Counter
    let connectionErrors: Counter
    let keepAlives: Counter
    let truncations: Counter
    let renames: Counter
    let copies: Counter
    let filesSkipped: Counter
    let readErrors: Counter
    let releasedBytes: Counter
    let overwrittenBytes: Counter
    let archivesRead: Counter
    let archiveErrors: Counter
    let registrySaves: Counter
    let registryErrors: Counter
    let watchErrors: Counter
    let excludedLines: Counter
    let reloads: Counter
    let reloadErrors: Counter
    let filesKnown: Gauge
    let filesOpen: Gauge
    let filesDeletedOpen: Gauge
    let deletedBytes: Gauge
    let filesWaiting: Gauge
    let windowsOutstanding: Gauge
    let windowEvents: Gauge
    let connectionsOpen: Gauge

    init() {
        eventsStored = metrics.counter(
            "shipper_events_stored_total",
            "Events that the receiver acknowledged."
        )
        bytesStored = metrics.counter(
            "shipper_line_bytes_stored_total",
            "Bytes of lines that the receiver acknowledged."
        )
        windowsSent = metrics.counter(
            "shipper_windows_sent_total",
            "Windows written to a connection, resent ones included."
        )
        windowsStored = metrics.counter(
            "shipper_windows_stored_total",
            "Windows that the receiver acknowledged."
        )
        windowsResent = metrics.counter(
            "shipper_windows_resent_total",
            "Windows that a lost connection made to be sent again."
        )
        wireBytes = metrics.counter("shipper_wire_bytes_total", "Bytes written to connections.")
        connections = metrics.counter("shipper_connections_total", "Connections established.")
        connectionErrors = metrics.counter(
            "shipper_connection_errors_total",
            "Connections that failed or were lost."
        )
        keepAlives = metrics.counter(
            "shipper_keep_alives_total",
            "Acks that only said that the receiver works."
        )
        truncations = metrics.counter(
            "shipper_files_truncated_total",
            "Files that were truncated or written anew."
        )
        renames = metrics.counter("shipper_files_renamed_total", "Open files that got another name.")
        copies = metrics.counter("shipper_files_copied_total", "Files recognised as copies of known ones.")
        filesSkipped = metrics.counter(
            "shipper_files_skipped_total",
            "Names that a pattern matches but that cannot be read."
        )
        readErrors = metrics.counter("shipper_read_errors_total", "Failed reads of files.")
        releasedBytes = metrics.counter(
            "shipper_released_bytes_total",
            "Bytes of deleted files given up unread: over a limit of deleted_files, or at the end of shipper."
        )
        archivesRead = metrics.counter("shipper_archives_read_total", "Compressed files read to their ends.")
        archiveErrors = metrics.counter(
            "shipper_archive_errors_total",
            "Compressed files that are damaged or end early; what could be read of them was sent."
        )
        overwrittenBytes = metrics.counter(
            "shipper_overwritten_bytes_total",
            "Bytes seen in files that were truncated before they were read, and in no copy."
        )
        registrySaves = metrics.counter("shipper_registry_saves_total", "Registry written to disk.")
        registryErrors = metrics.counter(
            "shipper_registry_errors_total",
            "Registry writes that failed and are tried again."
        )
        watchErrors = metrics.counter(
            "shipper_watch_errors_total",
            "Files and directories that inotify cannot watch; they are polled."
        )
        excludedLines = metrics.counter(
            "shipper_lines_excluded_total",
            "Lines that include_lines, exclude_lines or container.stream left out."
        )
        reloads = metrics.counter(
            "shipper_reloads_total",
            "Inputs read anew from the configuration, on SIGHUP."
        )
        reloadErrors = metrics.counter(
            "shipper_reload_errors_total",
            "New configurations that were refused, on SIGHUP; the one before stays."
        )
        filesKnown = metrics.gauge("shipper_files", "Files followed.")
        filesOpen = metrics.gauge("shipper_files_open", "Files held open.")
        filesDeletedOpen = metrics.gauge(
            "shipper_files_deleted_open",
            "Deleted files held open until they are read."
        )
        deletedBytes = metrics.gauge(
            "shipper_files_deleted_bytes",
            "Bytes of deleted files held open, which the disk cannot use."
        )
        filesWaiting = metrics.gauge(
            "shipper_files_waiting",
            "Files that are closed until others of their input are read (harvester_limit)."
        )
        windowsOutstanding = metrics.gauge(
            "shipper_windows_outstanding",
            "Windows sent or to be sent, not acknowledged."
        )
        windowEvents = metrics.gauge(
            "shipper_window_events_max",
            "Events that the next window may have: fewer after failures, and at first with slow_start."
        )
        connectionsOpen = metrics.gauge("shipper_connections_open", "Connections to receivers.")
    }
}
