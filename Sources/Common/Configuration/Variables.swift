import Glibc

/// Where the values of `${NAME}` come from: the variable `NAME`, the file that the variable `NAME_FILE` names (secrets of
/// Docker and Kubernetes), or the credential `NAME` that systemd hands over in a directory (`LoadCredential=`).
struct Variables {
    /// Why a value that should be there is not.
    struct Unreadable: Error {
        let message: String
    }

    /// Of a file with a value; a certificate chain is far below.
    private static let maxFileBytes = 64 << 10

    private let environment: [String: String]

    init(_ environment: [String: String]) { self.environment = environment }

    /// The value of `name`; nil when it is set nowhere.
    ///
    /// - Throws: when both the variable and a file are named, or a file cannot be used.
    func value(of name: String) throws(Unreadable) -> String? {
        let named = environment["\(name)_FILE"].flatMap { $0.isEmpty ? nil : $0 }
        if let value = environment[name], named == nil || !value.isEmpty {
            guard named == nil else {
                throw Unreadable(message: "both \(name) and \(name)_FILE are set; keep one of them")
            }
            return value
        }
        if let named { return try text(of: named, "the file that \(name)_FILE names") }
        guard let directory = environment["CREDENTIALS_DIRECTORY"], !directory.isEmpty else { return nil }
        let credential = "\(directory)/\(name)"
        return access(credential, F_OK) == 0 ? try text(of: credential, "the credential \(name)") : nil
    }

    /// The content of a file without the end of its last line.
    private func text(of path: String, _ what: String) throws(Unreadable) -> String {
        var bytes: [UInt8]
        do {
            bytes = try AtomicFile.read(path, limit: Self.maxFileBytes)
        } catch {
            let cause =
                error.cause == Errno(EFBIG)
                ? "it is larger than \(Self.maxFileBytes >> 10) KiB" : "\(error.cause)"
            throw Unreadable(message: "\(what) cannot be read: \(path): \(cause)")
        }
        if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
        guard !bytes.isEmpty else {
            throw Unreadable(message: "\(what) is empty: \(path); write the value into it")
        }
        guard let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
            throw Unreadable(message: "\(what) is no text in UTF-8: \(path)")
        }
        return text
    }
}
