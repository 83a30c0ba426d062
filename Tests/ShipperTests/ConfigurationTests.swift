import Common
import Testing

@testable import Shipper

@Suite struct ConfigurationTests {
    private func read(_ text: String) throws -> Configuration {
        let reader = try ConfigurationReader.parse(Array(text.utf8), source: "shipper.yml")
        let configuration = Configuration(reader)
        try reader.finish()
        return configuration
    }

    @Test("defaults are those of the documentation")
    func defaults() throws {
        let configuration = try read("inputs: [{paths: [/var/log/nginx/*.log]}]")
        #expect(configuration.dataDirectory == "/var/lib/shipper")
        #expect(configuration.hosts == [.init(name: "127.0.0.1", port: 5044)])
        #expect(configuration.queue == EventQueue.Limits(events: 2048, bytes: 1 << 20, compressionLevel: 1))
        #expect(configuration.pipelining == 2)
        #expect(configuration.timeout == .seconds(30))
        #expect(configuration.flushLatency == .milliseconds(20))
        #expect(configuration.monitoring.port == 5066)
        let input = try #require(configuration.inputs(agentID: "id", ShipperMetrics()).first)
        #expect(input.context.maxLineBytes == 10 << 20)
        #expect(input.closeInactive == .seconds(300))
        #expect(!input.startsAtEnd)
        #expect(input.files == FileOptions())
        #expect(configuration.deletedFiles == DeletedFileLimits(maxBytes: 10 << 30, maxAge: .seconds(86400)))
    }

    @Test("which files are followed, and how long they are remembered")
    func files() throws {
        let text = """
            inputs:
              - paths: [/var/log/**/*.log]
                symlinks: true
                ignore_older: 2d
                harvester_limit: 7
                clean_removed: false
                clean_inactive: 3h
            deleted_files: {max_bytes: 1GiB, max_age: 10m}
            """
        let configuration = try read(text)
        let files = try #require(configuration.inputs(agentID: "id", ShipperMetrics()).first).files
        #expect(files.symlinks)
        #expect(files.ignoreOlder == .seconds(2 * 86400))
        #expect(files.harvesterLimit == 7)
        #expect(files.retention == StateRetention(cleansRemoved: false, cleanInactive: .seconds(3 * 3600)))
        #expect(configuration.deletedFiles == DeletedFileLimits(maxBytes: 1 << 30, maxAge: .seconds(600)))
    }

    @Test(
        "wrong configurations are refused",
        arguments: [
            "{}",
            "inputs: []",
            "inputs: [{paths: []}]",
            "inputs: [{paths: [/a], start_position: middle}]",
            "inputs: [{paths: [/a], fields: [a]}]",
            "inputs: [{paths: [/a], timezone: Mars}]",
            "inputs: [{paths: [/a], path: /b}]",
            "inputs: [{paths: [/a/**/b/**/c]}]",
            "inputs: [{paths: [/a], harvester_limit: -1}]",
            "{inputs: [{paths: [/a]}], output: {hosts: [\"a:b\"]}}",
            "{inputs: [{paths: [/a]}], output: {compression_level: 10}}",
        ]
    )
    func refused(_ text: String) { #expect(throws: ConfigurationError.self) { try read(text) } }

    @Test("progress on a terminal")
    func progress() {
        let text = ProgressLine.text(done: 50 << 20, lag: 150 << 20, elapsed: 1_000_000_000)
        #expect(text == "50.0 of 200.0 MiB  25 %  50.0 MiB/s  4 s left")
        #expect(ProgressLine.text(done: 0, lag: 0, elapsed: 0).hasPrefix("0.0 of 0.0 MiB  100 %"))
    }

    @Test("memory given back is program text only")
    func idleMemory() {
        let maps = """
            556f3a150000-556f3a2da000 r--p 00000000 fe:00 1 /usr/bin/shipper
            556f3a2da000-556f3a80c000 r-xp 00189000 fe:00 1 /usr/bin/shipper
            556f3a832000-556f3a95b000 rw-p 006df000 fe:00 1 /usr/bin/shipper
            7f0000000000-7f0000001000 r-xp 00000000 00:00 0
            7ffd00000000-7ffd00001000 r-xp 00000000 00:00 0 [vdso]

            """
        let bytes = Array(maps.utf8)
        #expect(IdleMemory.textRanges(bytes.span.bytes) == [0x556f_3a2d_a000..<0x556f_3a80_c000])
        IdleMemory.release()
    }

    @Test(
        "a filebeat.yml is told what its keys are called here",
        arguments: [
            ("filebeat.inputs: [{paths: [/a]}]", "filebeat", "write filebeat.inputs as inputs"),
            ("inputs: [{type: log, paths: [/a]}]", "type", "every input follows files"),
            ("inputs: [{paths: [/a], close_renamed: true}]", "close_renamed", "see deleted_files"),
            ("inputs: [{paths: [/a], parsers: []}]", "parsers", "write multiline, json"),
            ("output.logstash: {hosts: [a]}", "output.logstash", "in output itself"),
            ("output: {bulk_max_size: 1}", "output.bulk_max_size", "bulk_max_events"),
        ]
    )
    func filebeatNames(_ text: String, path: String, advice: String) {
        let error = #expect(throws: ConfigurationError.self) { try read(text) }
        let message = error.map(\.description) ?? ""
        #expect(message.contains(path) && message.contains(advice), "\(message)")
    }
}
