import Common
import Testing

@testable import APMServer

@Suite("Service targets")
struct ServiceTargetTests {
    @Test(
        "follow from the resource, unless the event gives a type",
        arguments: [
            (#""resource":"redis""#, "", #"{"type":"redis"}"#),
            (#""resource":"mysql8/my_Db1""#, "", #"{"type":"mysql8","name":"my_Db1"}"#),
            (#""resource":"mysql/""#, "", #"{"type":"","name":"mysql/"}"#),
            (#""resource":"mysql/a-b""#, "", #"{"type":"","name":"mysql/a-b"}"#),
            (#""resource":"mysql/a/b""#, "", #"{"type":"","name":"mysql/a/b"}"#),
            (#""resource":"MySQL/a""#, "", #"{"type":"","name":"MySQL/a"}"#),
            (#""resource":"h:80""#, "", #"{"type":"","name":"h:80"}"#),
            (#""resource":"""#, "", #"{"type":""}"#),
            (#""resource":"redis""#, #""type":"x""#, #"{"type":"x"}"#),
            (#""resource":"redis""#, #""name":"x""#, #"{"type":"redis"}"#),
            ("", #""name":"x""#, #"{"type":"","name":"x"}"#),
            ("", #""type":"t","name":"n""#, #"{"type":"t","name":"n"}"#),
            ("", "", ""),
        ]
    )
    func target(_ destination: String, given: String, expected: String) throws {
        let service = destination.isEmpty ? "" : #""destination":{"service":{\#(destination)}}"#
        let target = given.isEmpty ? "" : #""service":{"target":{\#(given)}}"#
        let context = [service, target].filter { !$0.isEmpty }.joined(separator: ",")
        let row = DocumentRow(
            name: "",
            event: DocumentRow.span(#""start":0,"context":{\#(context)}"#),
            expected: ["service.target": expected]
        )
        try row.check()
    }
}
