import Testing

@testable import Ingest

@Suite("Filter fingerprint")
struct FingerprintFilterTests {
    private func hash(_ options: String, _ json: String) throws -> String {
        let result = try FilterHarness(
            "- remove: {fields: none}\n- fingerprint: {fields: [a, b], target: h\(options)}"
        ).run(json)
        return String(result[0].split(separator: "\"h\":\"").last?.prefix { $0 != "\"" } ?? "")
    }

    // Computed by Python's hashlib and hmac from 01 00000001 78 00, which is "x" and nothing.
    @Test("is SHA-256 of the fields with their lengths")
    func known() throws {
        #expect(
            try hash("", #"{"a":"x"}"#) == "0012f1f55662497db89716f0658043ac99d199507183f2b0e45c74af8044e553"
        )
        #expect(
            try hash(", key: secret", #"{"a":"x"}"#)
                == "6896bd1ae613be686b3d22ffd5683eaa3ef0178890dd22d84bdd8689e14b1d6b"
        )
        #expect(try hash(", method: siphash, key: secret", #"{"a":"x"}"#).count == 32)
    }

    @Test("fields cannot run into each other")
    func unambiguous() throws {
        let rows = [
            #"{"a":"xy","b":"z"}"#, #"{"a":"x","b":"yz"}"#, #"{"a":"xyz"}"#, #"{"b":"xyz"}"#,
            #"{"a":"xyz","b":""}"#,
            #"{"a":["x"],"b":"z"}"#,
        ]
        for options in ["", ", key: k", ", method: siphash, key: k", ", method: siphash, key: l"] {
            #expect(try Set(rows.map { try hash(options, $0) }).count == rows.count)
        }
        #expect(try hash(", key: k", rows[0]) != hash(", key: l", rows[0]))
    }

    @Test("an event without any of the fields keeps its own id")
    func missing() throws {
        let result = try FilterHarness("- fingerprint: {fields: [a], target: \"@metadata._id\"}").run(
            #"{"b":1}"#
        )
        #expect(result[0].contains("_fieldfailure") && result[0].contains("none of the fields"))
    }

    @Test(
        "complains",
        arguments: [
            ("- fingerprint: {}", "fields: is missing"),
            ("- fingerprint: {fields: a, method: md5}", "is not a choice"),
            ("- fingerprint: {fields: a, method: siphash}", "set a key"),
        ]
    )
    func complains(_ filters: String, expected: String) {
        #expect(FilterHarness.complaints(filters).contains(expected))
    }
}
