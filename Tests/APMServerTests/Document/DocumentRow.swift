import Testing

@testable import APMServer

/// An event, and what its document has at some paths: JSON, or nothing for "".
struct DocumentRow: Sendable, CustomTestStringConvertible {
    let name: String
    /// Members of the metadata's `service`.
    var service = #""name":"a","agent":{"name":"go","version":"1"}"#
    /// Further members of the metadata.
    var metadata = ""
    let event: String
    let expected: [String: String]

    var testDescription: String { name }

    /// A transaction with more members.
    static func transaction(_ members: String) -> String {
        #"{"transaction":{"id":"x","trace_id":"t","type":"request","duration":1,"timestamp":0,"#
            + #""span_count":{"started":0}"# + (members.isEmpty ? "" : ",\(members)") + "}}"
    }

    /// A transaction with members in its context.
    static func context(_ members: String) -> String { transaction(#""context":{\#(members)}"#) }

    /// A transaction with members in its context's request.
    static func request(_ members: String) -> String {
        context(#""request":{"method":"GET",\#(members)}"#)
    }

    static func page(_ url: String) -> String { context(#""page":{"url":"\#(url)"}"#) }

    static func span(_ members: String, type: String = "db") -> String {
        #"{"span":{"id":"s","trace_id":"t","parent_id":"p","name":"n","type":"\#(type)","duration":1,"#
            + "\(members)}}"
    }

    /// Compares the document with what is expected.
    func check(
        by request: RequestContext = DocumentRun.backend,
        _ settings: MappingSettings? = nil
    ) throws {
        let more = metadata.isEmpty ? "" : ",\(metadata)"
        let run = try DocumentRun(
            #"{"metadata":{"service":{\#(service)}\#(more)}}"#,
            event,
            request: request,
            settings: settings
        )
        #expect(run.errors.isEmpty)
        let document = try #require(run.documents.first)
        for (path, json) in expected {
            let wanted = json.isEmpty ? nil : try JSONTree(json)
            #expect(document.tree[path] == wanted, "\(path)")
        }
    }
}
