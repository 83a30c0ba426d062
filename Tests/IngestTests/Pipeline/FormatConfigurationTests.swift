import Common
import Testing

@testable import Ingest

@Suite("Pipelines by format")
struct FormatConfigurationTests {
    private func configuration(_ yaml: String) throws -> Configuration {
        let reader = try ConfigurationReader.parse(Array(yaml.utf8), source: "ingest.yml")
        let configuration = Configuration(reader, cores: 1)
        try reader.finish()
        return configuration
    }

    @Test("each format has a pipeline of its name")
    func builtIn() throws {
        let configuration = try configuration("data_directory: /tmp")
        #expect(configuration.pipelines.map(\.name) == FormatName.allCases.map(\.rawValue))
        for pipeline in configuration.pipelines {
            #expect(DailyIndex.problem(withPrefix: pipeline.index) == nil)
            _ = try pipeline.compiled()
        }
        // An index template for logs-* would take the data streams of Elastic's agents.
        #expect(!configuration.pipelines.contains { $0.index == "logs" })
    }

    @Test("the index template knows every field that formats set, with one type")
    func schema() {
        let names = LogFields.all.map(\.name)
        #expect(Set(ECSField.allCases.map(\.name)).subtracting(names) == [])
        #expect(Set(names).count == names.count)
    }

    @Test("a pipeline of one's own has a format, and its defaults")
    func own() throws {
        let configuration = try configuration(
            "pipelines: {shop: {format: django, timezone: Asia/Shanghai}, syslog: {index: devices}, old: {log_format: main}}"
        )
        let shop = try #require(configuration.pipeline("shop"))
        #expect(shop.format == .django && shop.index == "django" && shop.timezone.name == "Asia/Shanghai")
        let syslog = try #require(configuration.pipeline("syslog"))
        #expect(syslog.format == .syslog && syslog.index == "devices")
        #expect(configuration.pipeline("old")?.format == .nginxAccess)
        #expect(configuration.pipelines.filter { $0.name == "syslog" }.count == 1)
    }

    @Test(
        "what is wrong is said with the place and what to do",
        arguments: [
            ("{a: {format: djnago}}", "pipelines.a.format", "django"),
            ("{a: {format: syslog, log_format: x}}", "pipelines.a.log_format", "remove it"),
            (
                "{a: {format: django, log_format: '%(levelname)s'}}", "pipelines.a.log_format",
                "add %(message)s"
            ),
            (
                "{gunicorn-access: {log_format: '%(zz)s'}}", "pipelines.gunicorn-access.log_format",
                "at byte 0"
            ),
            ("{apache: {log_format: '%h %y'}}", "pipelines.apache.log_format", "at byte 3"),
            ("{a: {timezone: Mars/Base}}", "pipelines.a.timezone", "correct the name"),
            ("{a: {url_params: [a.b]}}", "pipelines.a.url_params", "leave it out"),
            ("{a: {url_params: ['']}}", "pipelines.a.url_params", "is empty"),
            ("{a: {client_fingerprint: {key: short}}}", "pipelines.a.client_fingerprint.key", "openssl rand"),
        ]
    )
    func problems(_ pipelines: String, path: String, hint: String) throws {
        do {
            _ = try configuration("pipelines: \(pipelines)")
            Issue.record("nothing was wrong")
        } catch let error as ConfigurationError {
            #expect(error.problems.map(\.path) == [path])
            #expect(error.problems.first?.message.contains(hint) == true, "\(error)")
        }
    }

    @Test("times without a zone are those of the sender's zone, else of the pipeline's, else UTC")
    func zones() throws {
        let line = "2026/11/22 10:13:41 [error] 1#2: x"
        let berlin = try TimeZoneRules.named("Europe/Berlin")
        func time(_ zone: String?, _ change: (inout PipelineConfiguration) -> Void = { _ in }) throws
            -> String?
        {
            let event = zone.map { #","event":{"timezone":"\#($0)"}"# } ?? ""
            let payload = #"{"@timestamp":"2026-11-22T10:30:00Z","message":"\#(line)"\#(event)}"#
            return try PipelineHarness(.nginxError, change).process(Array(payload.utf8)).string("@timestamp")
        }
        #expect(try time(nil) == "2026-11-22T10:13:41.000Z")
        #expect(try time("+08:00") == "2026-11-22T02:13:41.000Z")
        #expect(try time("Asia/Shanghai") == "2026-11-22T02:13:41.000Z")
        #expect(try time("Nowhere/Land") == "2026-11-22T10:13:41.000Z")
        #expect(try time(nil) { $0.timezone = berlin } == "2026-11-22T09:13:41.000Z")
        #expect(try time("UTC") { $0.timezone = berlin } == "2026-11-22T10:13:41.000Z")
    }
}
