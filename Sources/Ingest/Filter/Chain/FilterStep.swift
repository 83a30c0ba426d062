import Common

/// One entry of `filters`: a filter with its options, or a branch.
///
///     - grok: {field: message, patterns: ["…"]}
///       id: first-try                  names it in metrics
///       if: 'event.dataset == "app"'
///       tag_on_failure: [_mine]
///       add_tag, add_field, remove_field, remove_tag      when it succeeded
///       on_failure: [more filters]     instead of tags
///
///     - if: 'http.response.status_code >= 500'
///       then: [filters]
///       else: [filters]
struct FilterStep: Sendable {
    /// What the step does.
    indirect enum Action: Sendable {
        case filter(any FilterPlan)
        case branch(then: [FilterStep], otherwise: [FilterStep])
    }

    /// Filters that a pipeline may have, those in branches included.
    static let maxCount = 1000
    /// Branches in branches.
    static let maxDepth = 16

    /// The options around a filter, as a list: they are asked for by name.
    private static let options = [
        "id", "if", "then", "else", "tag_on_failure", "on_failure", "add_tag", "add_field", "remove_field",
        "remove_tag",
    ]

    var action: Action
    /// The filter's name, or `if`.
    var name: String
    /// Unique in its pipeline: as configured, or the name and its place: `grok-2`.
    var id: String
    var condition: Condition?
    /// Tags in place of the failure's own; nil for that.
    var failureTags: [String]?
    var onFailure: [FilterStep]?
    var success = SuccessActions()

    /// Decodes the entries of a list.
    ///
    /// - Parameters:
    ///   - ids: those that are taken in the pipeline.
    static func steps(
        _ reader: ConfigurationReader,
        _ key: String,
        ids: inout Set<String>,
        depth: Int = 0
    ) -> [FilterStep] {
        guard depth < maxDepth else {
            reader.problem(key, "is nested too deeply; \(maxDepth) levels are the most")
            return []
        }
        return reader.sections(key).compactMap { FilterStep($0, ids: &ids, depth: depth) }
    }

    private init?(_ reader: ConfigurationReader, ids: inout Set<String>, depth: Int) {
        let names = reader.names.filter { !Self.options.contains($0) }
        let isBranch = reader.has("then") || reader.has("else")
        guard names.count == (isBranch ? 0 : 1) else {
            Self.complain(reader, names, isBranch: isBranch)
            return nil
        }
        if let condition = reader.string("if") {
            do throws(ConditionError) {
                self.condition = try Condition(condition)
            } catch {
                reader.problem("if", "\(reader.place(in: "if", character: error.column)): \(error.reason)")
            }
        }
        if isBranch {
            name = "if"
            if !reader.has("if") { reader.problem("then", "needs a condition: add if: '…' beside it") }
            action = .branch(
                then: Self.steps(reader, "then", ids: &ids, depth: depth + 1),
                otherwise: Self.steps(reader, "else", ids: &ids, depth: depth + 1)
            )
        } else {
            name = names[0]
            guard let plan = FilterKinds.plans[name] else {
                let hint = Nearest.hint(for: name, among: FilterKinds.names)
                let advice =
                    FilterKinds.advice[name] ?? "there are \(FilterKinds.names.joined(separator: ", "))"
                reader.problem(name, "there is no filter \"\(name)\"\(hint); \(advice)")
                return nil
            }
            action = .filter(plan.init(reader.section(name)))
        }
        id = Self.id(reader, name, &ids)
        if reader.has("tag_on_failure") { failureTags = reader.strings("tag_on_failure") }
        if reader.has("on_failure") {
            onFailure = Self.steps(reader, "on_failure", ids: &ids, depth: depth + 1)
        }
        success = SuccessActions(reader)
    }

    private static func id(_ reader: ConfigurationReader, _ name: String, _ ids: inout Set<String>) -> String
    {
        if let wanted = reader.string("id") {
            if !ids.insert(wanted).inserted {
                reader.problem("id", "\"\(wanted)\" is the id of another filter too")
            }
            return wanted
        }
        var number = 1
        while !ids.insert("\(name)-\(number)").inserted { number += 1 }
        return "\(name)-\(number)"
    }

    private static func complain(_ reader: ConfigurationReader, _ names: [String], isBranch: Bool) {
        let known = FilterKinds.names.joined(separator: ", ")
        if isBranch {
            reader.problem(
                "then",
                "stands beside the filter \(names[0]); move the filter into the list below then"
            )
        } else if names.isEmpty {
            reader.problem("if", "stands without a filter; write one of \(known)")
        } else {
            for name in names { _ = reader.section(name).names.map(reader.section(name).has) }
            reader.problem(
                names[1],
                "a second filter in one entry; start it with \"- \" on a line of its own"
            )
        }
    }
}

/// What is done to an event when its filter succeeded.
struct SuccessActions: Sendable {
    var addTags: [FieldText] = []
    var removeTags: [String] = []
    var addFields: [(path: FieldPath, value: FieldText)] = []
    var removeFields: [FieldPath] = []

    init() {}

    init(_ reader: ConfigurationReader) {
        addTags = reader.texts("add_tag")
        removeTags = reader.strings("remove_tag")
        addFields = reader.fieldTexts("add_field")
        removeFields = reader.paths("remove_field")
    }

    var isEmpty: Bool {
        addTags.isEmpty && removeTags.isEmpty && addFields.isEmpty && removeFields.isEmpty
    }

    func apply(to record: Record, scratch: inout ByteBuffer) throws(FilterFailure) {
        for (path, value) in addFields {
            scratch.removeAll()
            value.append(record, to: &scratch)
            let isThere = record.find(path) != nil
            try scratch.withSpan { text throws(FilterFailure) in
                if isThere {
                    try record.append(path, text: text, 0..<text.byteCount)
                } else {
                    try record.set(path, text: text, 0..<text.byteCount)
                }
            }
        }
        for path in removeFields { record.remove(path) }
        for tag in addTags {
            scratch.removeAll()
            tag.append(record, to: &scratch)
            let name = scratch.withSpan { $0.text(0..<$0.byteCount) }
            try record.tag(name)
        }
        for tag in removeTags { record.untag(tag) }
    }
}
