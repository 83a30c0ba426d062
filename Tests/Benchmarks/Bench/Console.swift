import Common
import Glibc

/// Whole lines to the program that started this one, at once.
enum Console {
    /// One JSON object on standard output.
    static func report(_ json: String) { write(json, to: STDOUT_FILENO) }

    /// What went wrong, on standard error.
    static func complain(_ text: String) { write("Bench: \(text)", to: STDERR_FILENO) }

    private static func write(_ line: String, to descriptor: Int32) {
        var line = line + "\n"
        // Nobody is left to tell when this fails: the reader of both streams is gone.
        line.withUTF8 { _ = Glibc.write(descriptor, $0.baseAddress, $0.count) }
    }
}
