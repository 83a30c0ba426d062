import Common
import Foundation

/// noida-db (Elasticsearch's API) or osmem-server (OpenSearch's), from the Python packages of `make setup`.
final class RealStore {
    enum Kind: String, CaseIterable, Sendable { case noida, osmem }

    struct NotStarted: Error { let output: String }

    let address: HTTPServerAddress
    private let process = Process()
    private let folder: TemporaryFolder

    /// Folder of the installed packages; nil before `make setup`.
    ///
    /// `ELKFA_PYTHON` names another interpreter than that of the repository's `.venv`.
    static let packages: String? = {
        let root = URL(fileURLWithPath: Fixture.path("")).deletingLastPathComponent()
            .deletingLastPathComponent()
        let python = ProcessInfo.processInfo.environment["ELKFA_PYTHON"] ?? root.path + "/.venv/bin/python"
        let bin = URL(fileURLWithPath: python).deletingLastPathComponent()
        let lib = bin.deletingLastPathComponent().appendingPathComponent("lib").path
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: lib)) ?? []
        return versions.map { "\(lib)/\($0)/site-packages" }.first {
            FileManager.default.isExecutableFile(atPath: $0 + "/noida_db/noida-db")
                && FileManager.default.isExecutableFile(atPath: $0 + "/osmem_server/bin/osmem-server")
        }
    }()

    init(_ kind: Kind) throws {
        folder = try TemporaryFolder()
        let packages = Self.packages ?? ""
        switch kind {
        case .noida:
            process.executableURL = URL(fileURLWithPath: packages + "/noida_db/noida-db")
            process.arguments = [
                "start", "--only", "elasticsearch", "--elasticsearch-port", "0", "--data-dir", folder.path,
            ]
        case .osmem:
            process.executableURL = URL(fileURLWithPath: packages + "/osmem_server/bin/osmem-server")
            process.arguments = ["-addr", "127.0.0.1:0", "-no-stdin-watch"]
        }
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        try process.run()
        var text = ""
        while true {
            let data = pipe.fileHandleForReading.availableData
            text += String(decoding: data, as: UTF8.self)
            if let start = text.range(of: "http://127.0.0.1:")?.lowerBound,
                text[start...].contains(where: \.isNewline)
            {
                address = try HTTPServerAddress(String(text[start...].prefix { !$0.isNewline && $0 != "\"" }))
                return
            }
            guard !data.isEmpty else {
                kill(process.processIdentifier, SIGKILL)
                throw NotStarted(output: text)
            }
        }
    }

    func stop() {
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// The JSON of an answer.
    func get(_ path: String) throws -> [String: Any] {
        let client = try HTTPClient(HTTPClientSettings())
        defer { client.close() }
        _ = try client.perform(.get, address, path)
        let data = client.withBody { $0.withUnsafeBytes { Data($0) } }
        return try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
    }
}
