import Common
import Foundation
import Testing

@Suite("HTTP client over TLS")
struct HTTPClientTLSTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        var server = "server"
        var host = "localhost"
        var authorities: [String] = []
        /// The certificate whose hash is trusted.
        var fingerprint: String?
        var verification = TLSVerificationMode.full
        var client: String?
        var requiresClient = false
        /// Part of the error's text; nil is success.
        var failure: String?

        var testDescription: String { name }
    }

    static let cases = [
        Case(name: "an authority", authorities: ["ca"]),
        Case(name: "one of two authorities", authorities: ["other-ca", "ca"]),
        Case(name: "another authority", authorities: ["other-ca"], failure: "is not trusted"),
        Case(name: "the system's authorities", failure: "is not trusted"),
        Case(name: "the fingerprint of the authority", fingerprint: "ca"),
        Case(name: "the fingerprint of the server itself", fingerprint: "server"),
        Case(name: "another fingerprint", fingerprint: "other-ca", failure: "the last of the chain has "),
        Case(
            name: "another fingerprint, without verification",
            fingerprint: "other-ca",
            verification: .none,
            failure: "the last of the chain has "
        ),
        Case(name: "another fingerprint, but the authority", authorities: ["ca"], fingerprint: "other-ca"),
        Case(
            name: "the right fingerprint, another name",
            server: "wrong-name",
            fingerprint: "ca",
            failure: "another host name"
        ),
        Case(name: "another name", server: "wrong-name", authorities: ["ca"], failure: "another host name"),
        Case(
            name: "another name, not asked",
            server: "wrong-name",
            authorities: ["ca"],
            verification: .certificate
        ),
        Case(name: "an expired certificate", server: "expired", authorities: ["ca"], failure: "has expired"),
        Case(
            name: "expired, right fingerprint",
            server: "expired",
            fingerprint: "ca",
            failure: "has expired"
        ),
        Case(name: "nothing asked", server: "expired", verification: .none),
        Case(name: "a client certificate", authorities: ["ca"], client: "client", requiresClient: true),
        Case(
            name: "no client certificate",
            authorities: ["ca"],
            requiresClient: true,
            failure: "certificate"
        ),
        Case(name: "a useless authority file", authorities: ["garbage"], failure: "certificate_authorities"),
    ]

    @Test("trusts", arguments: cases)
    func trusts(_ test: Case) throws {
        let certificates = try TestCertificates.shared.get()
        let server = try TLSServer(certificates, test.server, requiresClient: test.requiresClient)
        defer { server.stop() }
        var settings = HTTPClientSettings()
        settings.timeout = .seconds(10)
        settings.verification = test.verification
        settings.certificateAuthorities = test.authorities.map { certificates.path("\($0).pem") }
        if let trusted = test.fingerprint {
            settings.fingerprint = CertificateFingerprint(try certificates.fingerprint(trusted))
        }
        if let client = test.client {
            settings.certificate = certificates.path("\(client).pem")
            settings.key = certificates.path("\(client).key")
        }
        let client = try HTTPClient(settings)
        defer { client.close() }
        let address = try HTTPServerAddress("https://\(test.host):\(server.port)")
        do {
            let response = try client.perform(.get, address, "/")
            #expect(test.failure == nil)
            #expect(response.status == 200)
        } catch {
            let failure = try #require(test.failure, "\(error)")
            #expect(error.description.contains(failure), "\(error)")
        }
    }

    @Test("says that a plain server does not speak TLS")
    func plain() throws {
        let store = try FaultyStore { _ in .status(200, "") }
        defer { store.stop() }
        let client = try HTTPClient(HTTPClientSettings())
        defer { client.close() }
        let address = try HTTPServerAddress("https://127.0.0.1:\(store.port)")
        let error = #expect(throws: HTTPClientError.self) { try client.perform(.get, address, "/") }
        #expect(error?.description.contains("does the server speak TLS") == true)
    }
}

/// `openssl s_server` with a certificate of the test run; it answers every GET with a page.
private final class TLSServer {
    let port: Int
    private let process = Process()

    init(_ certificates: TestCertificates, _ name: String, requiresClient: Bool) throws {
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments =
            [
                "s_server", "-accept", "127.0.0.1:0", "-www", "-cert", certificates.path("\(name).pem"),
                "-key",
                certificates.path("\(name).key"), "-cert_chain", certificates.path("ca.pem"),
            ]
            + (requiresClient
                ? ["-Verify", "1", "-verify_return_error", "-CAfile", certificates.path("ca.pem")] : [])
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        try process.run()
        var text = ""
        while !text.contains("ACCEPT 127.0.0.1:") || !text.hasSuffix("\n") {
            let data = output.fileHandleForReading.availableData
            guard !data.isEmpty else { throw CocoaError(.fileReadUnknown) }
            text += String(decoding: data, as: UTF8.self)
        }
        port = Int(text.components(separatedBy: "ACCEPT 127.0.0.1:")[1].prefix { $0.isNumber }) ?? 0
    }

    func stop() {
        // SIGTERM would wait: the threads of the test runner block it, and the child inherits that.
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }
}
