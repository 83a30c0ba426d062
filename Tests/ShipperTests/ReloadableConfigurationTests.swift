import Common
import Testing

@testable import Shipper

@Suite struct ReloadableConfigurationTests {
    private func written(_ text: String) throws -> [String: [UInt8]] {
        try ConfigurationReader.parse(Array(text.utf8), source: "t.yml").writtenValues
    }

    @Test(
        "names what has to wait for the next start",
        arguments: [
            ("{inputs: [a], name: x}", "{inputs: [b], name: y}", []),
            (
                "{output: {hosts: [a]}, logging: {level: info}}",
                "{output: {hosts: [a]}, logging: {level: info}}", []
            ),
            ("{output: {hosts: [a]}}", "{output: {hosts: [b]}}", ["output"]),
            ("{}", "{output: {pipelining: 3}, monitoring: {port: 1}}", ["monitoring", "output"]),
            ("{data_directory: /a}", "{}", ["data_directory"]),
            ("{output: {tls: {enabled: true}}}", "output.tls.enabled: true", []),
        ] as [(String, String, [String])]
    )
    func changes(old: String, new: String, expected: [String]) throws {
        #expect(try ReloadableConfiguration.changes(from: written(old), to: written(new)) == expected)
    }
}
