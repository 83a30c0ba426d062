import Common

/// The resource attributes that a metadata line has a field for; all others become global labels.
///
/// Source: OpenTelemetry semantic conventions, "Resource".
enum OTLPResourceKey: Int, CaseIterable {
    case serviceName, serviceVersion, serviceInstance, environment, environmentName
    case sdkName, sdkLanguage, sdkVersion, distroName, distroVersion
    case processID, parentProcessID, processArguments, runtimeName, runtimeVersion
    case hostName, hostID, hostArchitecture, osType
    case containerID, kubernetesNamespace, kubernetesNode, kubernetesPod, kubernetesPodUID
    case cloudProvider, cloudRegion, cloudZone, cloudAccount, cloudPlatform
    case userID, userEmail, userName, connectionType

    var name: StaticString {
        switch self {
        case .serviceName: "service.name"
        case .serviceVersion: "service.version"
        case .serviceInstance: "service.instance.id"
        case .environment: "deployment.environment"
        case .environmentName: "deployment.environment.name"
        case .sdkName: "telemetry.sdk.name"
        case .sdkLanguage: "telemetry.sdk.language"
        case .sdkVersion: "telemetry.sdk.version"
        case .distroName: "telemetry.distro.name"
        case .distroVersion: "telemetry.distro.version"
        case .processID: "process.pid"
        case .parentProcessID: "process.parent_pid"
        case .processArguments: "process.command_args"
        case .runtimeName: "process.runtime.name"
        case .runtimeVersion: "process.runtime.version"
        case .hostName: "host.name"
        case .hostID: "host.id"
        case .hostArchitecture: "host.arch"
        case .osType: "os.type"
        case .containerID: "container.id"
        case .kubernetesNamespace: "k8s.namespace.name"
        case .kubernetesNode: "k8s.node.name"
        case .kubernetesPod: "k8s.pod.name"
        case .kubernetesPodUID: "k8s.pod.uid"
        case .cloudProvider: "cloud.provider"
        case .cloudRegion: "cloud.region"
        case .cloudZone: "cloud.availability_zone"
        case .cloudAccount: "cloud.account.id"
        case .cloudPlatform: "cloud.platform"
        case .userID: "user.id"
        case .userEmail: "user.email"
        case .userName: "user.name"
        case .connectionType: "network.connection.type"
        }
    }

    static func find(_ key: Range<Int>, _ bytes: RawSpan) -> OTLPResourceKey? {
        allCases.first { bytes.equals($0.name, key) }
    }
}

/// What produced the events of one part of a request: read from its resource, written as a metadata line.
struct OTLPResource {
    private var values = [OTLPValue](repeating: .none, count: OTLPResourceKey.allCases.count)

    /// Labels beyond this are left out: every document of the resource repeats them.
    private static let maxLabelBytes = 64 << 10

    private subscript(key: OTLPResourceKey) -> OTLPValue { values[key.rawValue] }

    /// Replaces the content of `line` by the metadata line of the resource.
    ///
    /// - Parameter resource: the `Resource` message; empty when the request has none, which makes an unknown service.
    mutating func write(_ resource: Range<Int>, _ bytes: RawSpan, into line: inout ByteBuffer) {
        for index in values.indices { values[index] = .none }
        line.removeAll()
        line.append(#"{"metadata":{"# as StaticString)
        let labels = line.openObject(#""labels":"#)
        var attributes = OTLPAttributes(1, of: resource)
        while let attribute = attributes.next(bytes) {
            if let key = OTLPResourceKey.find(attribute.key, bytes) {
                values[key.rawValue] = attribute.value
            } else if line.count < Self.maxLabelBytes {
                line.label(attribute, bytes)
            }
        }
        line.closeObject(labels)
        writeService(bytes, &line)
        writeProcess(bytes, &line)
        writeSystem(bytes, &line)
        writeCloud(bytes, &line)
        let user = line.openObject(#""user":"#)
        text(#""id":"#, .userID, bytes, &line)
        text(#""email":"#, .userEmail, bytes, &line)
        text(#""username":"#, .userName, bytes, &line)
        line.closeObject(user)
        let network = line.openObject(#""network":"#)
        let connection = line.openObject(#""connection":"#)
        text(#""type":"#, .connectionType, bytes, &line)
        line.closeObject(connection)
        line.closeObject(network)
        line.append("}}" as StaticString)
    }

    private func writeService(_ bytes: RawSpan, _ line: inout ByteBuffer) {
        let service = line.openObject(#""service":"#)
        line.key(#""name":"#)
        line.append(serviceName: self[.serviceName].text, bytes)
        text(#""version":"#, .serviceVersion, bytes, &line)
        let environment = self[.environmentName].isGiven ? OTLPResourceKey.environmentName : .environment
        text(#""environment":"#, environment, bytes, &line)
        let node = line.openObject(#""node":"#)
        text(#""configured_name":"#, .serviceInstance, bytes, &line)
        line.closeObject(node)
        let language = line.openObject(#""language":"#)
        text(#""name":"#, .sdkLanguage, bytes, &line, otherwise: "unknown")
        line.closeObject(language)
        if self[.runtimeName].isGiven || self[.runtimeVersion].isGiven {
            let runtime = line.openObject(#""runtime":"#)
            text(#""name":"#, .runtimeName, bytes, &line, otherwise: "")
            text(#""version":"#, .runtimeVersion, bytes, &line, otherwise: "")
            line.closeObject(runtime)
        }
        writeAgent(bytes, &line)
        line.closeObject(service)
    }

    private static let agentName: [OTLPResourceKey] = [.sdkName, .sdkLanguage, .distroName]

    /// `otlp`, or the SDK with its language and distribution: `opentelemetry/java/elastic`.
    private func writeAgent(_ bytes: RawSpan, _ line: inout ByteBuffer) {
        let agent = line.openObject(#""agent":"#)
        line.key(#""name":"#)
        line.append(UInt8(ascii: "\""))
        for key in Self.agentName where key == .sdkName || !self[key].text.isEmpty {
            if key != .sdkName { line.append(UInt8(ascii: "/")) }
            let part = self[key].text
            if part.isEmpty { line.append("otlp" as StaticString) }
            // Three parts and two slashes stay below the limit of the whole.
            line.append(jsonEscaped: bytes, bytes.cut(part, to: TextLimit.keyword / 4))
        }
        line.append(UInt8(ascii: "\""))
        let version = self[.distroVersion].isGiven ? OTLPResourceKey.distroVersion : .sdkVersion
        text(#""version":"#, version, bytes, &line, otherwise: "unknown")
        line.closeObject(agent)
    }

    private func writeProcess(_ bytes: RawSpan, _ line: inout ByteBuffer) {
        // The intake wants a process to have a pid.
        guard let pid = self[.processID].integer(bytes) else { return }
        let process = line.openObject(#""process":"#)
        line.key(#""pid":"#)
        line.append(decimal: pid)
        if let parent = self[.parentProcessID].integer(bytes) {
            line.key(#""ppid":"#)
            line.append(decimal: parent)
        }
        if case .array(let list) = self[.processArguments] {
            line.key(#""argv":["#)
            var elements = OTLPElements(1, of: list)
            while let element = elements.next(bytes) {
                guard case .string(let argument) = OTLPValue(bytes, element) else { continue }
                line.separate()
                line.append(quoted: argument, bytes)
            }
            line.append(UInt8(ascii: "]"))
        }
        line.closeObject(process)
    }

    private func writeSystem(_ bytes: RawSpan, _ line: inout ByteBuffer) {
        let system = line.openObject(#""system":"#)
        text(#""detected_hostname":"#, .hostName, bytes, &line)
        text(#""host_id":"#, .hostID, bytes, &line)
        text(#""architecture":"#, .hostArchitecture, bytes, &line)
        text(#""platform":"#, .osType, bytes, &line)
        let container = line.openObject(#""container":"#)
        text(#""id":"#, .containerID, bytes, &line)
        line.closeObject(container)
        let kubernetes = line.openObject(#""kubernetes":"#)
        text(#""namespace":"#, .kubernetesNamespace, bytes, &line)
        let node = line.openObject(#""node":"#)
        text(#""name":"#, .kubernetesNode, bytes, &line)
        line.closeObject(node)
        let pod = line.openObject(#""pod":"#)
        text(#""name":"#, .kubernetesPod, bytes, &line)
        text(#""uid":"#, .kubernetesPodUID, bytes, &line)
        line.closeObject(pod)
        line.closeObject(kubernetes)
        line.closeObject(system)
    }

    private static let cloud: [OTLPResourceKey] = [
        .cloudProvider, .cloudRegion, .cloudZone, .cloudAccount, .cloudPlatform,
    ]

    private func writeCloud(_ bytes: RawSpan, _ line: inout ByteBuffer) {
        guard Self.cloud.contains(where: { self[$0].isGiven }) else { return }
        let cloud = line.openObject(#""cloud":"#)
        text(#""provider":"#, .cloudProvider, bytes, &line, otherwise: "")
        text(#""region":"#, .cloudRegion, bytes, &line)
        text(#""availability_zone":"#, .cloudZone, bytes, &line)
        let account = line.openObject(#""account":"#)
        text(#""id":"#, .cloudAccount, bytes, &line)
        line.closeObject(account)
        let service = line.openObject(#""service":"#)
        text(#""name":"#, .cloudPlatform, bytes, &line)
        line.closeObject(service)
        line.closeObject(cloud)
    }

    /// A string member; a number or truth where text is expected is written as text.
    private func text(
        _ member: StaticString,
        _ key: OTLPResourceKey,
        _ bytes: RawSpan,
        _ line: inout ByteBuffer,
        otherwise: StaticString? = nil
    ) {
        switch self[key] {
        case .string(let range) where !range.isEmpty: line.member(member, range, bytes)
        case .int, .bool, .double, .array, .map, .bytes:
            line.key(member)
            var json = ByteBuffer(capacity: 64)
            json.append(json: self[key], bytes)
            json.withSpan { line.append(quoted: 0..<$0.byteCount, $0, limit: TextLimit.keyword) }
        case .none, .string:
            guard let otherwise else { return }
            line.key(member)
            line.append(UInt8(ascii: "\""))
            line.append(otherwise)
            line.append(UInt8(ascii: "\""))
        }
    }
}

extension ByteBuffer {
    /// A service name as the intake takes it, `unknown` when it is empty.
    ///
    /// Characters other than letters, digits, space, `_` and `-` become `_`.
    fileprivate mutating func append(serviceName text: Range<Int>, _ bytes: RawSpan) {
        let name = bytes.cut(text, to: TextLimit.keyword)
        append(name.isEmpty ? "\"unknown" as StaticString : "\"")
        var index = name.lowerBound
        while index < name.upperBound {
            let byte = bytes[index]
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: " "), UInt8(ascii: "_"),
                UInt8(ascii: "-"):
                append(byte)
            default: append(UInt8(ascii: "_"))
            }
            index += max(bytes.lengthOfUTF8Scalar(at: index, end: name.upperBound), 1)
        }
        append(UInt8(ascii: "\""))
    }
}
