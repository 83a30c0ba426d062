import Common
import Glibc
import Testing

@testable import APMServer

@Suite("APM Server")
struct ServiceTests {
    private func configuration(_ text: String) throws -> Configuration {
        let reader = try ConfigurationReader.parse(Array(text.utf8), source: "apm-server.yml")
        let configuration = Configuration(reader)
        try reader.finish()
        return configuration
    }

    @Test("has the documented defaults and reads every key")
    func configuration() throws {
        let defaults = try configuration("")
        #expect(defaults == Configuration())
        #expect(defaults.host == "127.0.0.1" && defaults.port == 8200 && defaults.monitoring.port == 5067)
        let all = try configuration(
            "host: 0.0.0.0\nport: 1\nmonitoring: {enabled: false, host: '::1', port: 2}\nlogging: {level: error, format: text}"
        )
        #expect(all.host == "0.0.0.0" && all.port == 1 && !all.monitoring.isEnabled)
        #expect(all.logging.level == .error && all.logging.format == .text)
    }

    @Test(
        "refuses",
        arguments: [
            ("prot: 1", "apm-server.yml:1: prot: unknown key; remove or correct it (did you mean \"port\"?)"),
            ("host: ''", "apm-server.yml:1: host: empty; give an address such as 127.0.0.1"),
            ("port: 65536", "apm-server.yml:1: port: 65536 is out of range; use 0 to 65535"),
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
        var configuration = Configuration()
        configuration.port = 0
        configuration.monitoring.port = 0
        let service = try Service(configuration)
        let agents = service.agentsAddress.port
        let monitoring = try #require(service.monitoringAddress).port
        #expect(agents != monitoring)
        configuration.monitoring.port = monitoring
        let failure = #expect(throws: HTTPServer.Failure.self) { try Service(configuration) }
        #expect(failure?.description == "cannot listen on 127.0.0.1:\(monitoring): Address already in use")
        service.stop()
        configuration.port = agents
        try Service(configuration).stop()
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
            "timeout 20 PROGRAM --set port=\(port) --set monitoring.port=0 --set logging.format=text"
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
            PROGRAM --set port=0 --set monitoring.port=0 --set logging.format=json 2>$log & program=$!
            (sleep 20; kill -9 $program) >/dev/null 2>&1 & guard=$!
            for turn in $(seq 100); do grep -q monitoring $log && break; sleep 0.05; done
            kill -\(name) $program; wait $program; code=$?; kill $guard
            cat $log; rm $log; exit $code
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
