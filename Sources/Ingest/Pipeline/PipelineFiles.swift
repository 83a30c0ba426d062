import Common
import Glibc

/// Pipelines in files of their own (`pipeline_files`): each file is what would stand below a name in `pipelines`.
enum PipelineFiles {
    /// Files that the patterns may name.
    static let maxCount = 1000

    /// Decodes all files that the patterns under `pipeline_files` name; relative ones start beside the configuration.
    static func pipelines(_ reader: ConfigurationReader) -> [PipelineConfiguration] {
        let patterns = reader.strings("pipeline_files")
        let paths = patterns.flatMap { pattern in
            let found = files(matching: absolute(pattern, beside: reader.position.source))
            if found.isEmpty, !pattern.contains(where: { "*?[".contains($0) }) {
                reader.problem("pipeline_files", "there is no file \(pattern)")
            }
            return found
        }
        guard paths.count <= maxCount else {
            reader.problem("pipeline_files", "names \(paths.count) files; \(maxCount) are the most")
            return []
        }
        return paths.compactMap { path in
            let name = name(of: path)
            return reader.include(path, as: "pipelines.\(name)") { PipelineConfiguration(name: name, $0) }
        }
    }

    /// The name of a pipeline: its file's, without directory and extension.
    static func name(of path: String) -> String {
        let file = path.split(separator: "/").last.map(String.init) ?? path
        guard let dot = file.lastIndex(of: "."), dot != file.startIndex else { return file }
        return String(file[..<dot])
    }

    private static func absolute(_ pattern: String, beside file: String) -> String {
        guard !pattern.hasPrefix("/"), let slash = file.lastIndex(of: "/") else { return pattern }
        return String(file[...slash]) + pattern
    }

    /// Sorted by name, so that the order does not depend on the file system.
    private static func files(matching pattern: String) -> [String] {
        var result = glob_t()
        defer { globfree(&result) }
        guard glob(pattern, GLOB_MARK, nil, &result) == 0, let names = result.gl_pathv else { return [] }
        return (0..<Int(result.gl_pathc)).compactMap { names[$0].map { String(cString: $0) } }
            .filter { !$0.hasSuffix("/") }
    }
}
