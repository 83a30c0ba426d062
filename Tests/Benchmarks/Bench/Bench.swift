import Common
import Glibc

/// Load generators and counting sinks for `make bench`.
///
/// Not part of what users install.
@main
enum Bench {
    static func main() {
        run()
    }
}

private let usage = """
    usage: Bench lines   --source LOG --out FILE --count N      resample a log
           Bench trickle --source LOG --out FILE --rate N --seconds N
           Bench load    --source LOG --port N --count N --connections N --level 0..9
           Bench agents --folder RECORDED --port N --count N --connections N --gzip 0|1
           Bench sink    --expect N --bytes FILE_SIZE [--port N] [--numbered 1]    Lumberjack server; lines are told
                         apart by their offset, or by the number that they begin with
           Bench store   --expect N                             bulk endpoint of an Elasticsearch

    Each prints one JSON object a line: what it listens on, when all has arrived, and totals at the end.
    """

private func run() {
    do {
        let arguments = try Arguments(CommandLine.arguments.dropFirst())
        switch arguments.command {
        case "lines": try ResampledLog(arguments).write()
        case "trickle": try Trickle(arguments).run()
        case "load": try LumberjackLoad(arguments).run()
        case "agents": try IntakeLoad(arguments).run()
        case "sink": try LumberjackSink(arguments).run()
        case "store": try BulkSink(arguments).run()
        default: throw BenchError(usage)
        }
    } catch {
        Console.complain("\(error)")
        exit(1)
    }
}

/// Why a benchmark cannot go on, in words for the terminal.
struct BenchError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
