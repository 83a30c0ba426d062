import Common

/// How the bytes of an input's files become events, beyond cutting at line feeds.
struct LineRules: Sendable {
    var encoding = TextEncoding.utf8
    var terminator = LineTerminator.Name.auto
    var container: ContainerRule?
    var json: JSONRule?
    var multiline: MultilineRule?
    var filter = LineFilter()

    /// Whether each line is simply one event: the fast way, which copies bytes from the file into the window.
    var isPlain: Bool {
        encoding.isUTF8 && (terminator == .auto) && container == nil && json == nil && multiline == nil
            && filter.isEmpty
    }
}
