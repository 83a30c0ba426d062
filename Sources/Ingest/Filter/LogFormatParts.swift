/// The text of an access log's format, split at its variables.
struct LogFormatParts {
    struct Variable {
        let name: String
        let variable: NginxVariable
        /// Where it stands in the text, for complaints.
        let offset: Int
        /// What stands between it and the next one.
        var literal: [UInt8] = []
    }

    /// Literal text before the first variable.
    private(set) var opening: [UInt8] = []
    private(set) var variables: [Variable] = []

    /// Adds a byte that stands for itself.
    mutating func add(_ byte: UInt8) {
        if variables.isEmpty {
            opening.append(byte)
        } else {
            variables[variables.count - 1].literal.append(byte)
        }
    }

    mutating func add(_ name: String, _ variable: NginxVariable, offset: Int) {
        variables.append(Variable(name: name, variable: variable, offset: offset))
    }
}
