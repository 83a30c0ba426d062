import Common
import Glibc

/// `shipper test output`, and `shipper test config` for those who know Filebeat's.
struct TestCommand {
    static let command = Program.Command(
        "test",
        "output: go to each receiver step by step, as the service would, and say how far it comes; "
            + "config: as check",
        argumentsPlaceholder: "output|config"
    )

    let configuration: Configuration

    func run(_ subjects: [String]) -> Int32 {
        if subjects == ["config"] { return CheckCommand(configuration: configuration).run() }
        guard subjects == ["output"] else {
            StandardStream.write(
                "shipper: what to test? Try \"shipper test output\" or \"shipper test config\".\n",
                toError: true
            )
            return Program.ExitCode.usage
        }
        return testOutput()
    }

    private func testOutput() -> Int32 {
        // OpenSSL writes with write(2); a peer that hangs up is to be told of, not to be died of.
        signal(SIGPIPE, SIG_IGN)
        let tls: TLSContext?
        do {
            tls = try configuration.tls.settings.map(TLSContext.init(client:))
        } catch {
            StandardStream.write("shipper: output.tls: \(error)\n", toError: true)
            return Program.ExitCode.failure
        }
        let test = OutputTest(
            configuration.client(tls, isOnce: false),
            verification: verification
        ) { StandardStream.write($0 + "\n") }
        return test.run() ? Program.ExitCode.success : Program.ExitCode.failure
    }

    private var verification: String {
        let mode = configuration.tls.verificationMode.rawValue
        return configuration.tls.fingerprint == nil ? mode : mode + ", by fingerprint"
    }
}
