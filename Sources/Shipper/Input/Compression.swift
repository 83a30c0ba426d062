/// How the content of an input's files is stored.
enum Compression: String, CaseIterable, Sendable {
    /// gzip where the name ends in `.gz` and the content begins as gzip's does, else plain.
    case auto
    /// Always as it is.
    case none
    /// Always gzip.
    case gzip

    /// Whether a file of this name may be compressed.
    func mayApply(to path: String) -> Bool {
        switch self {
        case .auto: path.hasSuffix(".gz")
        case .none: false
        case .gzip: true
        }
    }
}
