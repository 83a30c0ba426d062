/// The `logging` section of every service.
package struct LoggingConfiguration: Equatable, Sendable {
    package var level = Log.Level.info
    package var format = Log.Format.auto

    package init() {}

    package init(_ reader: ConfigurationReader) {
        level = reader.choice("level", default: level)
        format = reader.choice("format", default: format)
    }
}
