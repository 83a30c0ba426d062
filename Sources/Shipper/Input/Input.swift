import Common

/// One entry of `inputs`: which files, and how they are read.
struct Input {
    var scanner: PathScanner
    /// Whether files that are there at the very first start are read from their end.
    var startsAtEnd = false
    var scanInterval = Duration.seconds(10)
    var closeInactive = Duration.seconds(300)
    var files = FileOptions()
    var timezone = TimezoneSetting.local
    var context: Harvester.Context
}
