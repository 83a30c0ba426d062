import Common

/// Where the documents of a pipeline go.
extension PipelineConfiguration {
    /// Reads `index`, `max_indices` and `data_stream`.
    mutating func readTarget(_ reader: ConfigurationReader, _ defaults: PipelineConfiguration) {
        index = reader.string("index", default: defaults.index)
        maxIndices = reader.int("max_indices", default: defaults.maxIndices, in: 1...10_000)
        dataStream = reader.string("data_stream", default: defaults.dataStream)
        do throws(IndexPattern.Problem) { _ = try IndexPattern(index) } catch {
            reader.problem("index", error.description)
            index = defaults.index
        }
        guard !dataStream.isEmpty else { return }
        if reader.has("index") { reader.problem("data_stream", "excludes index; keep one of the two") }
        if let problem = DailyIndex.problem(withPrefix: dataStream) { reader.problem("data_stream", problem) }
        if dataStream.contains("%") {
            reader.problem("data_stream", "has a %; fields are for index, a data stream has one name")
        }
    }

    /// Complains about a data stream and daily indices whose template would have the same name.
    static func checkNames(of pipelines: [PipelineConfiguration], _ reader: ConfigurationReader) {
        let streams = pipelines.filter { $0.indexTarget.isDataStream }
        let daily = pipelines.filter { !$0.indexTarget.isDataStream }
        for stream in streams {
            let name = stream.indexTarget.templateName
            guard let other = daily.first(where: { $0.indexTarget.templateName == name }) else { continue }
            reader.section("pipelines").section(stream.name).problem(
                "data_stream",
                "is the name that the indices of \(other.name) begin with; choose another, such as logs-\(name)-default"
            )
        }
    }

    /// Where documents go.
    var indexTarget: IndexTarget {
        guard dataStream.isEmpty else { return .dataStream(dataStream) }
        guard let pattern = try? IndexPattern(index) else {
            fatalError("the index \(index) was not checked when the configuration was read")
        }
        return .daily(pattern, maxIndices: maxIndices)
    }
}
