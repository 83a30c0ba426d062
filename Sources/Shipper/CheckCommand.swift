import Common

/// `shipper check`: the configuration is read already; this says which files it finds.
struct CheckCommand {
    let configuration: Configuration

    func run() -> Int32 {
        var text = "shipper: the configuration is valid\n"
        for section in configuration.inputs {
            let scanner = PathScanner(patterns: section.paths, exclusions: section.excludeFiles)
            let found = scanner.scan()
            text += "\(section.paths.joined(separator: " ")): \(found.count) found\n"
            for finding in found { text += "  " + describe(finding, section.files) + "\n" }
        }
        StandardStream.write(text)
        return Program.ExitCode.success
    }

    private func describe(_ finding: PathScanner.Finding, _ options: FileOptions) -> String {
        guard case .path(let path) = finding else { return "a name that is not UTF-8: skipped" }
        do {
            let status = try FileStatus(path: path, followsLinks: options.symlinks)
            if status.kind == .link { return "\(path): a symbolic link, skipped without symlinks: true" }
            guard status.kind == .regular else { return "\(path): not a regular file, skipped" }
            _ = try Descriptor.open(path, Int32(0))
            return "\(path): \(status.size) bytes"
        } catch {
            return "\(path): \(error), skipped"
        }
    }
}
