import Common

/// The names of a host after the rules that Kubernetes brings.
struct HostNames {
    /// Values of `host.hostname` and `host.name`.
    let hostname: FieldValue
    let name: FieldValue

    init(_ fields: EventFields) {
        var hostname = fields[.detectedHostname]
        if !fields[.detectedHostname].isGiven, !fields[.configuredHostname].isGiven {
            hostname = fields[.hostname]
        }
        // In a pod the agent sees the pod's name where others see the machine's.
        let node = fields[.kubernetesNodeName]
        if node.hasText {
            hostname = node
        } else if Self.isInKubernetes(fields) {
            hostname = .absent
        }
        self.hostname = hostname
        let configured = fields[.configuredHostname]
        name = configured.hasText ? configured : hostname
    }

    /// JSON of the name that a service's node has by default; empty for none.
    func nodeName(_ fields: EventFields, _ line: RawSpan) -> [UInt8] {
        let container = fields[.containerID]
        let value = container.hasText ? container : name
        guard value.hasText else { return [] }
        var buffer = ByteBuffer()
        buffer.append(value, line)
        return buffer.array
    }

    private static func isInKubernetes(_ fields: EventFields) -> Bool {
        fields.hasText(.kubernetesNamespace) || fields.hasText(.kubernetesPodName)
            || fields.hasText(.kubernetesPodUID)
    }
}
