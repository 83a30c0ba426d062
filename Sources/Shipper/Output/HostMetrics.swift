import Common

/// What one host has done, so that one can see how the windows are shared and which host fails.
struct HostMetrics {
    let eventsStored: Counter
    let errors: Counter

    init(_ metrics: Metrics, host: LumberjackClient.Host) {
        let label = [("host", host.text)]
        eventsStored = metrics.counter(
            "shipper_host_events_stored_total",
            "Events that this host acknowledged.",
            label
        )
        errors = metrics.counter(
            "shipper_host_errors_total",
            "Connections to this host that failed or were lost.",
            label
        )
    }
}
