import Common

/// Which of the files that an input's patterns name are followed, and how long they are remembered.
struct FileOptions: Equatable, Sendable {
    /// Whether a name that is a symbolic link is followed.
    ///
    /// Off unless asked for: whoever may write to a log directory could else have any file of the host sent.
    var symlinks = false
    /// A file that is not known and has not changed for longer is left alone; zero: none is.
    var ignoreOlder = Duration.zero
    /// Files of this input that are open at the same time; 0: all.
    var harvesterLimit = 0
    var retention = StateRetention()
    var compression = Compression.auto
}

extension FileOptions {
    init(_ reader: ConfigurationReader) {
        let longest = Duration.seconds(86400 * 3650)
        symlinks = reader.bool("symlinks", default: false)
        ignoreOlder = reader.duration("ignore_older", default: .zero, in: .zero...longest)
        harvesterLimit = reader.int("harvester_limit", default: 0, in: 0...1_000_000)
        compression = reader.choice("compression", default: Compression.auto)
        retention.cleansRemoved = reader.bool("clean_removed", default: true)
        retention.cleanInactive = reader.duration("clean_inactive", default: .zero, in: .zero...longest)
    }
}
