/// Rows of text in columns, for a terminal.
package struct TextTable {
    package enum Alignment: Sendable { case left, right }

    private let columns: [(title: String, alignment: Alignment)]
    private var rows: [[String]] = []

    package init(_ columns: [(title: String, alignment: Alignment)]) { self.columns = columns }

    /// Adds a row with a cell for each column.
    ///
    /// Text from outside must not steer a terminal: control characters become `?`.
    package mutating func add(_ cells: [String]) { rows.append(cells.map(Self.printable)) }

    package var isEmpty: Bool { rows.isEmpty }

    /// The titles and all rows, each with its line feed.
    package var text: String {
        let all = [columns.map(\.title)] + rows
        let widths = columns.indices.map { index in all.map { Self.width($0[index]) }.max() ?? 0 }
        return all.map { cells in
            var line = ""
            for (index, cell) in cells.enumerated() {
                let padding = String(repeating: " ", count: widths[index] - Self.width(cell))
                if index > 0 { line += "  " }
                line += columns[index].alignment == .left ? cell + padding : padding + cell
            }
            while line.last == " " { line.removeLast() }
            return line + "\n"
        }.joined()
    }

    /// `text` with every control character replaced.
    package static func printable(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            let isControl = scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
            result.unicodeScalars.append(isControl ? "?" : scalar)
        }
        return result
    }

    private static func width(_ text: String) -> Int { text.unicodeScalars.count }
}
