/// Index templates that came with the store, found in the answer to `GET /_index_template`.
package enum BuiltInTemplates {
    /// The part of the answer that is read.
    static let filterPath = ["index_patterns", "data_stream", "_meta.managed_by"]
        .map { "index_templates.index_template." + $0 }.joined(separator: ",")

    /// Whether a template that is not ours makes data streams of names that begin with `prefix`.
    ///
    /// The version of the store says nothing: the templates come with a plugin, with a package of Fleet, or not.
    package static func cover(_ prefix: String, in bytes: RawSpan) -> Bool {
        elements(bytes, ["index_templates"]).contains { isBuiltIn(bytes.extracting($0), prefix) }
    }

    private static func isBuiltIn(_ template: RawSpan, _ prefix: String) -> Bool {
        let path = ["index_template"]
        guard JSONLookup.text(template, path + ["_meta", "managed_by"]) != IndexTemplate.owner else {
            return false
        }
        guard JSONLookup.range(template, path + ["data_stream"]) != nil else { return false }
        return elements(template, path + ["index_patterns"]).contains { range in
            template.text(range).dropFirst().hasPrefix(prefix)
        }
    }

    /// The elements of the array below `path`; none when there is no such array.
    private static func elements(_ bytes: RawSpan, _ path: [String]) -> [Range<Int>] {
        guard let array = JSONLookup.range(bytes, path) else { return [] }
        var reader = JSONReader(offset: array.lowerBound)
        var isFirst = true
        var ranges: [Range<Int>] = []
        do {
            try reader.beginArray(bytes)
            while try reader.nextElement(bytes, isFirst: &isFirst) { ranges.append(try reader.value(bytes)) }
        } catch { return [] }
        return ranges
    }
}
