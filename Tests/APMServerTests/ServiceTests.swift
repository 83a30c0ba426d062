import Common
import Glibc
import Testing

@testable import APMServer

@Suite("APM Server")
struct ServiceTests {
    private func configuration(_ text: String) throws -> Configuration {
        let reader = try ConfigurationReader.parse(Array(text.utf8), source: "apm-server.yml")
        let configuration = Configuration(reader, cores: 2)
        try reader.finish()
        return configuration
    }

    @Test("has the defaults of Elastic's server, and reads what the file says")
    func configuration() throws {
        let defaults = try configuration("")
        #expect(defaults.host == "127.0.0.1" && defaults.port == 8200 && defaults.monitoring.port == 5067)
        #expect(defaults.workers == 2 && defaults.intake.maxEventBytes == 307_200 && !defaults.isClassic)
        #expect(defaults.limits.idleTimeout == .seconds(45) && defaults.limits.readTimeout == .seconds(30))
        #expect(defaults.mapping.namespace == "default" && defaults.mapping.capturesPersonalData)
        #expect(!defaults.tls.isEnabled && !defaults.access.rum.isEnabled)
        #expect(defaults.access.secretToken.isEmpty)
        let all = try configuration(
            """
            host: unix:/run/apm.sock
            workers: 1
            max_event_size: 1MiB
            capture_personal_data: false
            default_service_environment: lab
            data_streams: {namespace: prod}
            auth: {secret_token: x}
            rum: {enabled: true, library_pattern: '~'}
            output: {elasticsearch: {indices: daily, hosts: ['https://es:9200']}}
            spool: {after: 2s, max_bytes: 64MiB}
            monitoring: {enabled: false, host: '::1', port: 2}
            logging: {level: error, format: text}
            """
        )
        #expect(all.host == "unix:/run/apm.sock" && all.workers == 1 && all.intake.maxEventBytes == 1 << 20)
        #expect(!all.intake.capturesPersonalData && all.mapping.defaultServiceEnvironment == "lab")
        #expect(all.mapping.namespace == "prod" && all.mapping.libraryPattern == "~" && all.isClassic)
        #expect(all.access.secretToken == "x" && all.access.rum.isEnabled && all.access.anonymous.isEnabled)
        #expect(all.delivery.limits.spoolBytes == 64 << 20 && all.delivery.limits.after == 2_000_000_000)
        #expect(!all.monitoring.isEnabled && all.logging.level == .error && all.logging.format == .text)
    }

    @Test(
        "refuses",
        arguments: [
            ("prot: 1", "apm-server.yml:1: prot: unknown key; remove or correct it (did you mean \"port\"?)"),
            (
                "apm-server: {host: x}",
                "apm-server.yml:1: apm-server: unknown key; its keys stand at the top level here, without the prefix"
            ),
            (
                "output: {elasticsearch: {flush_bytes: 1}}",
                "apm-server.yml:1: output.elasticsearch.flush_bytes: unknown key; "
                    + "use bulk_max_bytes, counted before compression"
            ),
            ("host: ''", "apm-server.yml:1: host: empty; give an address such as 127.0.0.1"),
            ("host: 'localhost:8200'", "apm-server.yml:1: host: holds a port; write it as port"),
            ("port: 65536", "apm-server.yml:1: port: 65536 is out of range; use 0 to 65535"),
            (
                "data_streams: {namespace: a-b}",
                "apm-server.yml:1: data_streams.namespace: has to be 1 to 100 lower-case letters, digits, _ or ."
            ),
            (
                "logging: {level: warn}",
                "apm-server.yml:1: logging.level: \"warn\" is not a choice; use one of: debug, info, warning, error"
            ),
        ] as [(String, String)]
    )
    func refuses(text: String, message: String) {
        let error = #expect(throws: ConfigurationError.self) { try configuration(text) }
        #expect(error?.description == message)
    }

    @Test("listens on both ports, and on none when one is taken")
    func ports() throws {
        let folder = try TemporaryFolder()
        func service(agents: Int, monitoring: Int) throws -> Service {
            try Service(
                configuration(
                    """
                    port: \(agents)
                    data_directory: \(folder.path)
                    shutdown_timeout: 100ms
                    agent: {config: {elasticsearch: {enabled: false}}}
                    output: {elasticsearch: {hosts: ['http://127.0.0.1:1']}}
                    monitoring: {port: \(monitoring)}
                    """
                )
            )
        }
        let (agents, monitoring) = try {
            let running = try service(agents: 0, monitoring: 0)
            defer { running.stop() }
            return (running.agentsAddress.port, try #require(running.monitoringAddress).port)
        }()
        #expect(agents != monitoring)
        let taken = try Socket.listen(on: Socket.resolve("127.0.0.1", port: monitoring)[0])
        let failure = #expect(throws: HTTPServer.Failure.self) {
            try service(agents: agents, monitoring: monitoring)
        }
        #expect(failure?.description == "cannot listen on 127.0.0.1:\(monitoring): Address already in use")
        _ = consume taken
        try service(agents: agents, monitoring: monitoring).stop()
    }
}

@Suite("apm-server program")
struct ProgramTests {
    /// Runs a line of shell, in which `PROGRAM` is the built program: it lies beside the test bundle.
    private func shell(_ line: String) throws -> (output: String, code: Int32) {
        var path = [CChar](repeating: 0, count: 4096)
        let length = readlink("/proc/self/exe", &path, path.count)
        let here = String(decoding: path.prefix(max(0, length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let slash = try #require(here.lastIndex(of: "/"))
        let program = "\(here[...slash])apm-server"
        let pipe = try #require(popen("exec 2>&1; " + line.replacing("PROGRAM", with: program), "r"))
        var output: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = fread(&chunk, 1, chunk.count, pipe)
            if count == 0 { break }
            output += chunk.prefix(count)
        }
        let status = pclose(pipe)
        return (String(decoding: output, as: UTF8.self), (status >> 8) & 0xFF)
    }

    @Test(
        "ends with the right code",
        arguments: [
            ("--version", 0, "apm-server \(Version.current)\n"),
            ("check --set port=0", 0, "apm-server: the configuration is valid\n"),
            ("check --set port=x", 2, "--set port: expected a whole number, found \"x\"\n"),
            (
                "chekc", 2,
                "apm-server: there is no command \"chekc\" (did you mean \"check\"?)\nTry \"apm-server --help\".\n"
            ),
            (
                "--config /nonexistent.yml", 2,
                "/nonexistent.yml: the configuration cannot be read: No such file or directory\n"
            ),
        ] as [(String, Int32, String)]
    )
    func codes(arguments: String, code: Int32, output: String) throws {
        let result = try shell("timeout 20 PROGRAM \(arguments)")
        #expect(result.code == code && result.output == output)
    }

    @Test("says why it cannot start")
    func cannotStart() throws {
        let taken = try Socket.listen(on: Socket.resolve("127.0.0.1", port: 0)[0])
        let port = try Socket.localAddress(of: taken.raw).port
        let result = try shell(
            "timeout 20 PROGRAM --set port=\(port) --set monitoring.port=0 --set logging.format=text "
                + "--set data_directory=$(mktemp -d) --set output.elasticsearch.hosts.0=http://127.0.0.1:1"
        )
        #expect(result.code == 1)
        #expect(
            result.output.contains(
                "ERROR cannot start  reason=\"cannot listen on 127.0.0.1:\(port): Address already in use\""
            )
        )
    }

    @Test("ends cleanly on a signal", arguments: ["TERM", "INT"])
    func signals(name: String) throws {
        let result = try shell(
            """
            log=$(mktemp)
            folder=$(mktemp -d)
            PROGRAM --set port=0 --set monitoring.port=0 --set logging.format=json \\
              --set data_directory=$folder --set shutdown_timeout=1s 2>$log & program=$!
            (sleep 20; kill -9 $program) >/dev/null 2>&1 & guard=$!
            for turn in $(seq 100); do grep -q '"for":"agents"' $log && break; sleep 0.05; done
            kill -\(name) $program; wait $program; code=$?; kill $guard
            cat $log; rm -r $log $folder; exit $code
            """
        )
        #expect(result.code == 0)
        #expect(
            result.output.contains("\"message\":\"stopping\"")
                && result.output.contains("\"message\":\"stopped\"")
        )
        #expect(result.output.contains("\"for\":\"agents\",\"address\":\"127.0.0.1\",\"port\":\""))
    }
}
