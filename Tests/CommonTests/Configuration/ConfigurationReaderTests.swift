import Common
import Testing

@Suite("Configuration reader")
struct ConfigurationReaderTests {
    private enum Color: String, CaseIterable { case red, green, blue }

    private func reader(
        _ text: String,
        set overrides: [String] = [],
        environment: [String: String] = [:]
    ) throws -> ConfigurationReader {
        try ConfigurationReader.parse(
            Array(text.utf8),
            source: "t.yml",
            overrides: overrides,
            environment: environment
        )
    }

    private func problems(_ reader: ConfigurationReader) -> String {
        do throws(ConfigurationError) {
            try reader.finish()
            return ""
        } catch {
            return error.description
        }
    }

    /// Asks for one key of each type.
    private func readAll(_ reader: ConfigurationReader) {
        _ = reader.string("name")
        _ = reader.int("port", default: 1, in: 0...65535)
        _ = reader.bool("enabled", default: false)
        _ = reader.duration("timeout", default: .seconds(5), in: .seconds(1) ... .seconds(3600))
        _ = reader.size("bytes", default: 1, in: 1...(10 << 20))
        _ = reader.strings("hosts")
        _ = reader.choice("color", default: Color.red)
        let output = reader.section("output")
        _ = output.string("host")
        for input in reader.sections("inputs") { _ = input.int("port", default: 0) }
        for (_, pipeline) in reader.namedSections("pipelines") { _ = pipeline.string("index") }
    }

    @Test("reads every type, and defaults for what is absent or empty")
    func values() throws {
        let reader = try reader(
            """
            name: web-1
            port: 0x10
            enabled: Yes
            timeout: 1h30m
            bytes: 64KiB
            hosts: one
            list: [a, 2, "3"]
            color: blue
            nothing:
            output.host: x
            output: {port: 9}
            inputs:
              - {port: 1}
              - port: 2
            pipelines:
              nginx: {index: a}
              other: {index: b}
            """
        )
        #expect(reader.string("name") == "web-1")
        #expect(reader.required("name") == "web-1")
        #expect(reader.int("port", default: 1) == 16)
        #expect(reader.bool("enabled", default: false))
        #expect(reader.duration("timeout", default: .zero) == .seconds(5400))
        #expect(reader.size("bytes", default: 0) == 65536)
        #expect(reader.strings("hosts") == ["one"])
        #expect(reader.strings("list") == ["a", "2", "3"])
        #expect(reader.strings("absent", default: ["d"]) == ["d"])
        #expect(reader.choice("color", default: Color.red) == .blue)
        #expect(reader.string("nothing", default: "d") == "d")
        #expect(!reader.has("nothing") && reader.has("name"))
        let output = reader.section("output")
        #expect(output.isPresent && output.path == "output")
        #expect(output.string("host") == "x" && output.int("port", default: 0) == 9)
        #expect(!reader.section("absent").isPresent)
        #expect(reader.sections("inputs").map { $0.int("port", default: 0) } == [1, 2])
        #expect(reader.namedSections("pipelines").map { $0.name } == ["nginx", "other"])
        #expect(reader.section("pipelines").names == ["nginx", "other"])
        #expect(reader.namedSections("pipelines").map { $0.reader.required("index") } == ["a", "b"])
        #expect(problems(reader) == "")
    }

    @Test(
        "complains with file, line, key and remedy",
        arguments: [
            ("name: [a]", "t.yml:1: name: expected text, found a list"),
            ("port: abc", "t.yml:1: port: expected a whole number, found \"abc\""),
            ("\nport: 70000", "t.yml:2: port: 70000 is out of range; use 0 to 65535"),
            (
                "port: 99999999999999999999",
                "t.yml:1: port: 99999999999999999999 is out of range; use 0 to 65535"
            ),
            ("port: 1.5", "t.yml:1: port: expected a whole number, found \"1.5\""),
            ("port: {a: 1}", "t.yml:1: port: expected a whole number, found a section"),
            ("enabled: maybe", "t.yml:1: enabled: expected true or false, found \"maybe\""),
            (
                "timeout: 5x",
                "t.yml:1: timeout: expected a duration such as 500ms, 10s, 5m, 1h or 30d (a plain number is seconds), found \"5x\""
            ),
            ("timeout: 2h", "t.yml:1: timeout: 2h is out of range; use 1s to 1h"),
            (
                "bytes: -1",
                "t.yml:1: bytes: expected a size such as 1048576, 64KiB, 10MiB or 1GiB (KiB is 1024 bytes, kB is 1000), found \"-1\""
            ),
            ("bytes: 1GiB", "t.yml:1: bytes: 1GiB is out of range; use 1 to 10MiB"),
            ("hosts: {a: 1}", "t.yml:1: hosts: expected a list, found a section; write [a, b]"),
            (
                "hosts:\n  - a\n  - [b]\n  -",
                "t.yml:3: hosts.1: expected text, found a list\nt.yml:4: hosts.2: expected text, found nothing"
            ),
            (
                "color: bleu",
                "t.yml:1: color: \"bleu\" is not a choice; use one of: red, green, blue (did you mean \"blue\"?)"
            ),
            ("color: 7", "t.yml:1: color: \"7\" is not a choice; use one of: red, green, blue"),
            ("output: 5", "t.yml:1: output: expected a section of key: value lines, found \"5\""),
            (
                "output:\n  hots: x",
                "t.yml:2: output.hots: unknown key; remove or correct it (did you mean \"host\"?)"
            ),
            ("output:\n  zzzzzz: x", "t.yml:2: output.zzzzzz: unknown key; remove it or use one of: host"),
            ("\n\nprot: 5", "t.yml:3: prot: unknown key; remove or correct it (did you mean \"port\"?)"),
            (
                "inputs: {port: 1}",
                "t.yml:1: inputs: expected a list of sections, found a section; start each with \"- \""
            ),
            ("inputs:\n  - 5", "t.yml:2: inputs.0: expected a section, found \"5\""),
            (
                "inputs:\n  - port: 1\n  - port: x\n    pord: 2",
                """
                t.yml:3: inputs.1.port: expected a whole number, found "x"
                t.yml:4: inputs.1.pord: unknown key; remove or correct it (did you mean "port"?)
                """
            ),
            (
                "pipelines: {a: 1}",
                "t.yml:1: pipelines.a: expected a section of key: value lines, found \"1\""
            ),
            ("a..b: 1", "t.yml:1: a..b: a part of the dotted key is empty; remove the extra dot"),
            (
                "output.host: a\noutput: {host: b}",
                "t.yml:2: output.host: set twice, first in line 1; keep one of them"
            ),
            (
                "output: a\noutput.host: b",
                "t.yml:2: output: set twice, first in line 1; keep one of them"
            ),
            (
                "port: x\nenabled: y\nfoo: 1",
                "t.yml:1: port: expected a whole number, found \"x\"\nt.yml:2: enabled: expected true or false, found \"y\"\nt.yml:3: foo: unknown key; remove it or use one of: name, port, enabled, timeout, bytes, hosts, color, output, inputs, pipelines"
            ),
        ] as [(String, String)]
    )
    func complains(text: String, expected: String) throws {
        let reader = try reader(text)
        readAll(reader)
        #expect(problems(reader) == expected)
    }

    @Test("complains about missing and empty keys at the section they belong to")
    func missing() throws {
        let reader = try reader("name: ''\noutput:\n  host: x")
        #expect(reader.required("name") == "" && reader.required("top") == "")
        #expect(
            reader.section("output").required("index") == "" && reader.section("none").required("key") == ""
        )
        reader.section("output").problem("host", "not resolvable; correct it")
        #expect(
            problems(reader) == """
                t.yml:1: name: empty; give it a value
                t.yml:1: top: missing; set it
                t.yml:1: none.key: missing; set it
                t.yml:3: output.index: missing; set it
                t.yml:3: output.host: not resolvable; correct it
                """
        )
    }

    @Test(
        "replaces references to the environment",
        arguments: [
            ("${HOST}", "\"web\""), ("a-${HOST}-${PORT}", "\"a-web-80\""), ("${PORT}", "80"),
            ("\"${PORT}\"", "\"80\""),
            ("${NONE:5}", "5"), ("${NONE:}", "null"), ("${NONE:a:b}", "\"a:b\""), ("${EMPTY:x}", "\"x\""),
            ("${EMPTY}", "null"),
            ("$${HOST}", "\"${HOST}\""), ("$HOST", "\"$HOST\""), ("$$", "\"$$\""),
            ("'$remote_addr - $${x}'", "\"$remote_addr - ${x}\""),
            ("${LIST}", "\"[a, b]\""), ("${REF}", "\"${HOST}\""),
            ("[\"${HOST}\", '${PORT}']", "[\"web\",\"80\"]"),
        ] as [(String, String)]
    )
    func environment(text: String, expected: String) throws {
        let variables = [
            "HOST": "web", "PORT": "80", "EMPTY": "", "LIST": "[a, b]", "REF": "${HOST}",
        ]
        let json = try reader("v:\n  - \(text)", environment: variables).json("v")
        #expect(json.map { String(decoding: $0, as: UTF8.self) } == "[\(expected)]")
    }

    @Test(
        "refuses references that cannot be replaced",
        arguments: [
            (
                "${NONE}",
                "environment variable NONE is not set; set it, or give a default with ${NONE:default}"
            ),
            (
                "${NONE:?the password of ingest}",
                "environment variable NONE is not set: the password of ingest; set it, or give a default with ${NONE:default}"
            ),
            ("${", "${ is never closed; add } or write $${ for a literal ${"),
            (
                "${}",
                "\"\" is not the name of an environment variable; write ${NAME} or ${NAME:default}, or $${ for a literal ${"
            ),
            (
                "${1a}",
                "\"1a\" is not the name of an environment variable; write ${NAME} or ${NAME:default}, or $${ for a literal ${"
            ),
            ("${A:${B}}", "the default of ${A:…} holds another ${; references do not nest"),
        ] as [(String, String)]
    )
    func badReferences(text: String, message: String) throws {
        let reader = try reader("\noutput:\n  host: '\(text)'")
        #expect(reader.section("output").required("host") == "")
        #expect(problems(reader) == "t.yml:3: output.host: \(message)")
    }

    @Test(
        "applies overrides",
        arguments: [
            (["name=x"], "{\"name\":\"x\",\"list\":[{\"port\":1}],\"deep\":{\"a\":1}}"),
            (
                ["deep.a=2", "deep.b=[1, two]"],
                "{\"name\":\"n\",\"list\":[{\"port\":1}],\"deep\":{\"a\":2,\"b\":[1,\"two\"]}}"
            ),
            (
                ["list.0.port=0", "list.1.port=9"],
                "{\"name\":\"n\",\"list\":[{\"port\":0},{\"port\":9}],\"deep\":{\"a\":1}}"
            ),
            (["deep={b: 3}", "name="], "{\"name\":\"\",\"list\":[{\"port\":1}],\"deep\":{\"b\":3}}"),
            (
                ["new.0.x.y=\"1\""],
                "{\"name\":\"n\",\"list\":[{\"port\":1}],\"deep\":{\"a\":1},\"new\":[{\"x\":{\"y\":\"1\"}}]}"
            ),
            (["name=a=b"], "{\"name\":\"a=b\",\"list\":[{\"port\":1}],\"deep\":{\"a\":1}}"),
        ] as [([String], String)]
    )
    func overrides(set: [String], expected: String) throws {
        let text = "{name: n, list: [{port: 1}], deep: {a: 1}}"
        let keys = try set.map { try #require($0.split(separator: "=", maxSplits: 1).first) }
        let reader = try reader("v: \(text)", set: zip(keys, set).map { "v.\($1)" })
        #expect(reader.json("v").map { String(decoding: $0, as: UTF8.self) } == expected)
        #expect(problems(reader) == "")
    }

    @Test(
        "refuses overrides",
        arguments: [
            ("port", "--set port: no = in it; write --set key.path=value"),
            ("=5", "--set : a part of the key is empty; write --set key.path=value"),
            ("a..b=5", "--set a..b: a part of the key is empty; write --set key.path=value"),
            ("port=x", "--set port: expected a whole number, found \"x\""),
            (
                "name=[a",
                "--set name: not valid YAML: did not find expected ',' or ']' while parsing a flow sequence; put the value into quotes if it is text"
            ),
            (
                "inputs.5.port=1",
                "--set inputs.5.port: \"5\" is not an element of a list of 1; the first is 0"
            ),
            (
                "inputs.x.port=1",
                "--set inputs.x.port: \"x\" is not an element of a list of 1; the first is 0"
            ),
            ("name.x=1", "--set name.x: \"x\" lies inside a value that is neither section nor list"),
            ("prot=1", "--set prot: unknown key; remove or correct it (did you mean \"port\"?)"),
        ] as [(String, String)]
    )
    func badOverrides(set: String, expected: String) throws {
        let reader = try reader("name: n\ninputs: [{port: 1}]", set: [set])
        readAll(reader)
        #expect(problems(reader) == expected)
    }

    @Test("a missing or unreadable file is named")
    func files() throws {
        let rows = [
            (
                "/nonexistent/x.yml",
                "/nonexistent/x.yml: the configuration cannot be read: No such file or directory"
            ),
            ("/tmp", "/tmp: the configuration cannot be read: Is a directory"),
        ]
        for (path, message) in rows {
            let error = #expect(throws: ConfigurationError.self) { try ConfigurationReader.load(file: path) }
            #expect(error?.description == message)
        }
        let none = try ConfigurationReader.load(file: nil, overrides: ["a=1"])
        #expect(none.int("a", default: 0) == 1 && none.required("b") == "")
        #expect(problems(none) == "configuration: b: missing; set it")
    }

    @Test("TLS sections want pairs of files that exist")
    func tls() throws {
        let file = "/proc/self/status"
        let client = try reader(
            "{enabled: true, certificate: \(file), certificate_authorities: /no/ca, verification_mode: ful}"
        )
        _ = TLSClientConfiguration(client)
        #expect(
            problems(client) == """
                t.yml:1: certificate_authorities: file "/no/ca" cannot be read: No such file or directory; correct the path or its rights
                t.yml:1: key: missing; certificate and key come in pairs
                t.yml:1: verification_mode: "ful" is not a choice; use one of: full, certificate, none (did you mean "full"?)
                """
        )
        let server = try reader("{enabled: true, client_authentication: required}")
        _ = TLSServerConfiguration(server)
        #expect(
            problems(server) == """
                t.yml:1: certificate: missing; a listener with TLS needs certificate and key
                t.yml:1: certificate_authorities: missing; client_authentication: required needs them
                """
        )
        let good = try reader("{enabled: true, certificate: \(file), key: \(file), server_name: x}")
        let configuration = TLSClientConfiguration(good)
        #expect(configuration.isEnabled && configuration.key == file && configuration.serverName == "x")
        #expect(configuration.verificationMode == .full && problems(good) == "")
        let empty = try reader("{certificate: '', key: '', certificate_authorities: [], server_name: ''}")
        #expect(TLSClientConfiguration(empty) == TLSClientConfiguration() && problems(empty) == "")
    }

    @Test("a fingerprint is 64 hexadecimal digits, colons allowed")
    func fingerprint() throws {
        let digits = String(repeating: "ab:", count: 31) + "AB"
        let good = try reader("{enabled: true, fingerprint: '\(digits)'}")
        let configuration = TLSClientConfiguration(good)
        #expect(problems(good) == "")
        #expect(
            configuration.settings?.fingerprint == CertificateFingerprint(String(repeating: "ab", count: 32))
        )
        let wrong = try reader("{fingerprint: abcd}")
        #expect(TLSClientConfiguration(wrong).fingerprint == nil)
        #expect(
            problems(wrong)
                == "t.yml:1: fingerprint: is not a SHA-256 in hexadecimal (64 digits, colons allowed)"
        )
    }

    @Test("logging and monitoring sections")
    func sharedSections() throws {
        let reader = try reader(
            "logging: {level: debug, format: json}\nmonitoring: {port: 0, host: '::1', enabled: off}"
        )
        let logging = LoggingConfiguration(reader.section("logging"))
        #expect(logging.level == .debug && logging.format == .json)
        let monitoring = MonitoringConfiguration(reader.section("monitoring"), defaultPort: 9600)
        #expect(!monitoring.isEnabled && monitoring.port == 0 && monitoring.host == "::1")
        #expect(problems(reader) == "")
    }

    @Test("tells what is written without asking for it")
    func writtenValues() throws {
        let reader = try reader(
            "{name: a, output: {port: 1, list: [x]}}",
            set: ["output.port=2", "extra=${X}"],
            environment: ["X": "y"]
        )
        let written = reader.writtenValues.mapValues { String(decoding: $0, as: UTF8.self) }
        #expect(written == ["name": #""a""#, "output": #"{"port":2,"list":["x"]}"#, "extra": #""y""#])
        _ = reader.string("name")
        #expect(problems(reader).contains("output: unknown key"))
    }
}
