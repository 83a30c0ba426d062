/// What the configuration says about documents.
struct MappingSettings: Sendable {
    /// `data_stream.namespace`.
    var namespace = "default"
    /// For services that name no environment; empty for none.
    var defaultServiceEnvironment = ""
    /// Whether addresses and user agents of clients are stored.
    var capturesPersonalData = true
    /// `observer.hostname`.
    var observerHostname = ""
    /// `observer.version`: of the server whose behaviour agents see.
    var observerVersion = ServerInformationRoute.compatibleVersion
    /// RUM frames whose file or path matches are library frames; empty for none.
    var libraryPattern = "node_modules|bower_components|~"
    /// RUM frames whose file matches do not take part in grouping; empty for none.
    var excludeFromGroupingPattern = "^/webpack"
}
