import Glibc

/// How far a command is, on standard error: one line written over again on a terminal, else a line now and then.
package final class ProgressLine {
    /// Between two lines where nobody watches.
    private static let interval: Int64 = 5_000_000_000

    private let isTerminal = isatty(2) == 1
    private var nextLine = Int64.min
    private var isOpen = false

    package init() {}

    /// Shows a text of one line.
    package func show(_ text: String) {
        let text = TextTable.printable(text)
        guard isTerminal else {
            guard Clock.monotonic >= nextLine else { return }
            nextLine = Clock.monotonic + Self.interval
            return StandardStream.write(text + "\n", toError: true)
        }
        isOpen = true
        // Carriage return, and erase to the end of the line (ECMA-48).
        StandardStream.write("\r\(text)\u{1B}[K", toError: true)
    }

    /// Leaves the last text standing.
    package func end() {
        if isOpen { StandardStream.write("\n", toError: true) }
        isOpen = false
    }
}
