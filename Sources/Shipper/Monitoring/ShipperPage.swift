import Common

extension MonitoringPage {
    /// What the live page of shipper shows.
    static let shipper = MonitoringPage([
        .tiles(
            "At a glance",
            [
                Figure("Stored lines", "shipper_events_stored_total", .rate),
                Figure("Stored bytes", "shipper_line_bytes_stored_total", .rate, unit: .bytes),
                Figure("Bytes behind", "shipping#lag_bytes", unit: .bytes),
                Figure("Oldest unsent line", "shipping#lag_seconds", unit: .seconds),
                Figure("Connected", "shipping#connected", unit: .flag),
                Figure("Windows without ack", "shipping.windows#outstanding"),
                Figure("Oldest of them", "shipping.windows#oldest_seconds", unit: .seconds),
                Figure("Processor", "process_cpu_seconds", .rate, unit: .share),
                Figure("Memory", "process_resident_memory_bytes", unit: .bytes),
            ]
        ),
        .table(
            "Files, the furthest behind first",
            rows: "path",
            [
                Figure("size", "shipping.files.shown#size", unit: .bytes),
                Figure("stored", "shipping.files.shown#stored", unit: .bytes),
                Figure("behind", "shipping.files.shown#lag_bytes", unit: .bytes),
                Figure("for", "shipping.files.shown#lag_seconds", unit: .seconds),
            ],
            isWide: true
        ),
        .facts(
            "Files",
            [
                Figure("Followed", "shipper_files"),
                Figure("Open", "shipper_files_open"),
                Figure("Deleted and not yet read to the end", "shipper_files_deleted_open"),
                Figure("Their bytes on the disk", "shipper_files_deleted_bytes", unit: .bytes),
                Figure("Waiting for their turn", "shipper_files_waiting"),
                Figure("Renamed", "shipper_files_renamed_total"),
                Figure("Truncated", "shipper_files_truncated_total"),
                Figure("Recognised as copies", "shipper_files_copied_total"),
                Figure("Compressed and read", "shipper_archives_read_total"),
                Figure("Compressed and damaged", "shipper_archive_errors_total"),
                Figure("Cannot be read", "shipper_files_skipped_total"),
                Figure("Failed reads", "shipper_read_errors_total"),
                Figure("Given up unread", "shipper_released_bytes_total", unit: .bytes),
                Figure("Overwritten unread", "shipper_overwritten_bytes_total", unit: .bytes),
            ]
        ),
        .facts(
            "Connection",
            [
                Figure("Connections", "shipper_connections_total"),
                Figure("Failed or lost", "shipper_connection_errors_total"),
                Figure("Windows sent", "shipper_windows_sent_total"),
                Figure("Windows acknowledged", "shipper_windows_stored_total"),
                Figure("Windows sent again", "shipper_windows_resent_total"),
                Figure("Keep-alives while the receiver worked", "shipper_keep_alives_total"),
                Figure("Bytes on the wire", "shipper_wire_bytes_total", unit: .bytes),
                Figure("Registry saved", "shipper_registry_saves_total"),
                Figure("Registry not saved", "shipper_registry_errors_total"),
                Figure("Inputs read anew", "shipper_reloads_total"),
                Figure("New configurations refused", "shipper_reload_errors_total"),
            ]
        ),
    ])
}
