import Common
import Glibc

/// A file of patterns, one `NAME regex` a line; empty lines and those that begin with `#` say nothing.
struct GrokPatternFile {
    struct Definition: Equatable {
        let name: String
        let text: String
        /// Counted from 1.
        let line: Int
    }

    /// The largest collection of patterns that is published has 40 kB.
    static let maxBytes = 1 << 20

    private(set) var definitions: [Definition] = []
    /// What is wrong: `line: reason`.
    private(set) var problems: [String] = []

    init(_ content: [UInt8]) {
        var number = 0
        for line in content.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            number += 1
            var text = String(decoding: line, as: UTF8.self)
            while let last = text.unicodeScalars.last, last == "\r" || last == " " || last == "\t" {
                text.unicodeScalars.removeLast()
            }
            let trimmed = text.drop { $0 == " " || $0 == "\t" }
            guard let first = trimmed.first, first != "#" else { continue }
            let name = trimmed.prefix { $0 != " " && $0 != "\t" }
            let pattern = trimmed.dropFirst(name.count).drop { $0 == " " || $0 == "\t" }
            if !GrokPatterns.isName(name) {
                problems.append("\(number): \"\(name)\" is no name of a pattern; use letters, digits and _")
            } else if pattern.isEmpty {
                problems.append("\(number): \(name) has no pattern; write NAME regex")
            } else {
                definitions.append(Definition(name: String(name), text: String(pattern), line: number))
            }
        }
    }
}

extension GrokPatterns {
    private static let maxFiles = 1000

    /// Reads the files of `patterns_files` and of the directories of `patterns_dir`; later definitions win.
    ///
    /// Every definition is compiled by itself, so that a mistake is found where it is.
    mutating func readFiles(_ reader: ConfigurationReader) {
        let glob = reader.string("patterns_files_glob", default: "*")
        for directory in reader.strings("patterns_dir") {
            readFiles(Self.files(in: directory, glob, reader), reader, "patterns_dir")
        }
        readFiles(reader.strings("patterns_files"), reader, "patterns_files")
    }

    /// Takes the patterns of a section of the configuration.
    mutating func readDefinitions(_ reader: ConfigurationReader, _ key: String) {
        var problems: [String] = []
        var names: [String] = []
        for leaf in reader.leaves(key) {
            guard Self.isName(leaf.name), case .scalar(let text, _) = leaf.value, !text.isEmpty else {
                problems.append("\(leaf.name): write NAME: 'regex'")
                continue
            }
            define(leaf.name, text)
            names.append(leaf.name)
        }
        problems += names.compactMap { name in problem(with: name).map { "\(name): \($0)" } }
        complain(problems, reader, key)
    }

    private mutating func readFiles(_ paths: [String], _ reader: ConfigurationReader, _ key: String) {
        var problems: [String] = []
        var found: [(path: String, definition: GrokPatternFile.Definition)] = []
        for path in paths {
            do throws(AtomicFile.Failure) {
                let file = GrokPatternFile(try AtomicFile.read(path, limit: GrokPatternFile.maxBytes))
                problems += file.problems.map { "\(path):\($0)" }
                found += file.definitions.map { (path, $0) }
            } catch {
                problems.append("\(path) cannot be read: \(error.cause)")
            }
        }
        if found.count > Self.maxDefinitions {
            problems.append("\(found.count) patterns; \(Self.maxDefinitions) are the most")
            found = []
        }
        // All are defined before the first is tried: they may refer to each other in any order.
        for (_, definition) in found { define(definition.name, definition.text) }
        for (path, definition) in found {
            guard let problem = problem(with: definition.name) else { continue }
            problems.append("\(path):\(definition.line): \(definition.name): \(problem)")
        }
        complain(problems, reader, key)
    }

    private static func files(in directory: String, _ glob: String, _ reader: ConfigurationReader) -> [String]
    {
        do throws(Errno) {
            let names = try Path.names(in: directory).filter { name in
                name.first != "." && fnmatch(glob, name, 0) == 0
            }
            guard names.count <= maxFiles else {
                reader.problem(
                    "patterns_dir",
                    "\(directory) has \(names.count) files; \(maxFiles) are the most"
                )
                return []
            }
            return names.sorted().map { directory + "/" + $0 }.filter(isFile)
        } catch {
            reader.problem("patterns_dir", "\(directory) cannot be read: \(error)")
            return []
        }
    }

    private static func isFile(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }

    private func problem(with name: String) -> String? {
        do throws(PatternError) {
            _ = try CapturePattern(try expanded("%{\(name)}"), source: "")
            return nil
        } catch {
            return error.reason
        }
    }

    private func complain(_ problems: [String], _ reader: ConfigurationReader, _ key: String) {
        guard !problems.isEmpty else { return }
        let shown = problems.prefix(10).joined(separator: "; ")
        reader.problem(key, shown + (problems.count > 10 ? "; and \(problems.count - 10) more" : ""))
    }
}
