import Common

/// What `LineOutput` writes to.
enum LineTarget: ~Copyable {
    case file(DocumentFile)
    case standardOutput(Descriptor)

    /// Opens the file, or takes standard output.
    init(_ kind: OutputConfiguration.Kind) throws {
        switch kind {
        case .file(let configuration): self = .file(try DocumentFile(configuration))
        case .standardOutput: self = .standardOutput(try Descriptor(adopting: 1))
        case .elasticsearch: fatalError("documents for Elasticsearch are no lines")
        }
    }

    /// Writes whole lines; after an error a file is as before.
    mutating func append(_ lines: borrowing ByteBuffer) throws {
        switch consume self {
        case .file(var file):
            do { try file.append(lines) } catch {
                self = .file(file)
                throw error
            }
            self = .file(file)
        case .standardOutput(let descriptor):
            do throws(Errno) {
                try lines.withUnsafeBytes { (bytes) throws(Errno) in try descriptor.writeAll(bytes) }
            } catch {
                self = .standardOutput(descriptor)
                throw error
            }
            self = .standardOutput(descriptor)
        }
    }
}
