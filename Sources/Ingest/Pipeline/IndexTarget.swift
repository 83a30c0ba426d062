/// Where the documents of a pipeline go (`index`, `data_stream`, `max_indices`).
enum IndexTarget: Hashable, Sendable {
    /// Daily indices, at most so many distinct names a day.
    case daily(IndexPattern, maxIndices: Int)
    /// One name for all; the store keeps the indices behind it.
    case dataStream(String)

    /// The fields that names are made of.
    var fields: [FieldPath] {
        switch self {
        case .daily(let pattern, _): pattern.fields
        case .dataStream: []
        }
    }

    /// Of the index template and the lifecycle policy.
    var templateName: String {
        switch self {
        case .daily(let pattern, _): pattern.base
        case .dataStream(let name): name
        }
    }

    var templatePatterns: [String] {
        switch self {
        case .daily(let pattern, _): pattern.templatePatterns
        case .dataStream(let name): [name]
        }
    }

    var isDataStream: Bool {
        switch self {
        case .daily: false
        case .dataStream: true
        }
    }
}
