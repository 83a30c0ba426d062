import Common
import Glibc

/// `shipper status`: asks the running shipper's monitoring port how it fares.
struct StatusCommand {
    private struct Failure: Error {
        let text: String
    }

    /// Over which rates are measured.
    private static let interval = Duration.seconds(1)

    let monitoring: MonitoringConfiguration

    func run() -> Int32 {
        do throws(Failure) {
            let before = try ask()
            usleep(useconds_t(Self.interval.nanoseconds / 1000))
            StandardStream.write(StatusText(before: before, now: try ask()).text)
            return Program.ExitCode.success
        } catch {
            StandardStream.write("shipper: \(error.text)\n", toError: true)
            return Program.ExitCode.failure
        }
    }

    private func ask() throws(Failure) -> StatusSnapshot {
        guard monitoring.isEnabled else {
            throw Failure(text: "monitoring.enabled is false: a running shipper cannot be asked")
        }
        guard monitoring.port != 0 || monitoring.host.hasPrefix("unix:") else {
            throw Failure(
                text: "monitoring.port is 0, so the system chose one: give it as --set monitoring.port=…"
            )
        }
        let place = monitoring.host.hasPrefix("unix:") ? host : "\(host) port \(monitoring.port)"
        let answer: HTTPGet.Answer
        do throws(HTTPGet.Failure) {
            answer = try HTTPGet.ask(host: host, port: monitoring.port, path: "/stats")
        } catch {
            guard error.isRefused else { throw Failure(text: "cannot ask on \(place): \(error)") }
            throw Failure(text: "no shipper answers on \(place): it does not run, or monitoring is elsewhere")
        }
        guard answer.status == 200, let snapshot = StatusSnapshot(answer.body) else {
            throw Failure(text: "what answers on \(place) is not a shipper (status \(answer.status))")
        }
        return snapshot
    }

    /// A server that listens everywhere is asked on this machine.
    private var host: String {
        switch monitoring.host {
        case "0.0.0.0": "127.0.0.1"
        case "::", "[::]": "::1"
        default: monitoring.host
        }
    }
}

extension Program.Command {
    static let status = Program.Command("status", "ask the running shipper how far it is, and print that")
}
