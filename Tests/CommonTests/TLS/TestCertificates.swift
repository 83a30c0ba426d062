import Foundation

/// Authorities and certificates made by the openssl command for one run.
final class TestCertificates: Sendable {
    static let shared: Result<TestCertificates, any Error> = Result {
        let certificates = try TestCertificates()
        // A global is never released; its folder must not outlive the run.
        atexit { try? TestCertificates.shared.get().folder.remove() }
        return certificates
    }

    private let folder: TemporaryFolder

    private init() throws {
        folder = try TemporaryFolder()
        for authority in ["ca", "other-ca"] {
            try openssl(
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "2",
                "-keyout",
                path("\(authority).key"),
                "-out",
                path("\(authority).pem"),
                "-subj",
                "/CN=\(authority)"
            )
        }
        try issue("server", names: "DNS:localhost,IP:127.0.0.1,IP:::1")
        try issue("wrong-name", names: "DNS:elsewhere.example")
        try issue("wildcard", names: "DNS:*.example.com")
        try issue("expired", names: "DNS:localhost", days: -1)
        try issue("client", names: "DNS:web-1")
        try issue("foreign", names: "DNS:localhost", by: "other-ca")
        try openssl(
            "pkey",
            "-in",
            path("server.key"),
            "-aes128",
            "-passout",
            "pass:secret",
            "-out",
            path("locked.key")
        )
        // The server's certificate with its authority's behind it, as a fingerprint of the authority needs it.
        let chain = try ["server", "ca"].reduce(Data()) { try $0 + Data(contentsOf: url("\($1).pem")) }
        try chain.write(to: url("chained.pem"))
        try FileManager.default.copyItem(at: url("server.key"), to: url("chained.key"))
        try Data("no PEM\n".utf8).write(to: URL(fileURLWithPath: path("garbage.pem")))
    }

    func path(_ name: String) -> String { "\(folder.path)/\(name)" }

    private func url(_ name: String) -> URL { URL(fileURLWithPath: path(name)) }

    /// A certificate's SHA-256 as `openssl x509 -fingerprint` prints it.
    func fingerprint(_ name: String) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = ["x509", "-in", path("\(name).pem"), "-noout", "-fingerprint", "-sha256"]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return String(text.split(separator: "=")[1].prefix { !$0.isNewline })
    }

    private func issue(_ name: String, names: String, by authority: String = "ca", days: Int = 2) throws {
        try openssl(
            "req",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-keyout",
            path("\(name).key"),
            "-out",
            path("\(name).csr"),
            "-subj",
            "/CN=\(name)",
            "-addext",
            "subjectAltName=\(names)"
        )
        try openssl(
            "x509",
            "-req",
            "-in",
            path("\(name).csr"),
            "-CA",
            path("\(authority).pem"),
            "-CAkey",
            path("\(authority).key"),
            "-CAcreateserial",
            "-copy_extensions",
            "copy",
            "-days",
            "\(days)",
            "-out",
            path("\(name).pem")
        )
    }

    private func openssl(_ arguments: String...) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw OpenSSLFailure(arguments: arguments) }
    }

    struct OpenSSLFailure: Error { let arguments: [String] }
}
