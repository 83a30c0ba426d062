import Common

/// `shipper check`: the configuration is read already; this says which files it finds, and how far each is stored.
struct CheckCommand {
    let configuration: Configuration

    func run() -> Int32 {
        var text = "shipper: the configuration is valid\n"
        let states = knownStates(&text)
        for section in configuration.inputs {
            let scanner = configuration.scanner(section)
            let found = scanner.scan()
            text += "\(section.paths.joined(separator: " ")): \(found.count) found\n"
            for finding in found { text += "  " + describe(finding, section.files, states) + "\n" }
        }
        StandardStream.write(text)
        return Program.ExitCode.success
    }

    /// What the registry says now, read beside a shipper that may be running; nil when it cannot be told.
    private func knownStates(_ text: inout String) -> [FileKey: FileState]? {
        do throws(RegistryStore.Failure) {
            return Registry(try RegistryReader.read(configuration.dataDirectory) ?? []).states
        } catch {
            text += "how far files are stored is not known: \(error)\n"
            return nil
        }
    }

    private func describe(
        _ finding: PathScanner.Finding,
        _ options: FileOptions,
        _ states: [FileKey: FileState]?
    ) -> String {
        guard case .path(let path) = finding else { return "a name that is not UTF-8: skipped" }
        do {
            let status = try FileStatus(path: path, followsLinks: options.symlinks)
            if status.kind == .link { return "\(path): a symbolic link, skipped without symlinks: true" }
            guard status.kind == .regular else { return "\(path): not a regular file, skipped" }
            let file = try Descriptor.open(path, Int32(0))
            let isCompressed = try options.compression.mayApply(to: path) && GzipFile.hasMagic(raw: file.raw)
            return "\(path): \(Self.progress(status, isCompressed, states))"
        } catch {
            return "\(path): \(error), skipped"
        }
    }

    private static func progress(
        _ status: FileStatus,
        _ isCompressed: Bool,
        _ states: [FileKey: FileState]?
    ) -> String {
        guard let states else { return "\(status.size) bytes" }
        guard let state = states[status.key] else {
            // Of one that was read before it was compressed nothing is kept: it is recognised by what it holds.
            return "\(status.size) bytes, "
                + (isCompressed ? "compressed, not read as such" : "not yet begun")
        }
        if isCompressed {
            return "\(status.size) bytes, compressed, \(state.offset) bytes of its content stored"
        }
        guard status.size >= state.offset else {
            return "\(status.size) bytes, truncated since \(state.offset) were stored"
        }
        return "\(state.offset) of \(status.size) bytes stored"
    }
}
