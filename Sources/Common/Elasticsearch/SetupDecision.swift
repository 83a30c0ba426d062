/// Whether a template or policy is written over the one that is there.
package enum SetupDecision: Equatable, Sendable {
    case install
    case equal
    /// A newer version of ours wrote it.
    case newer
    /// Not ours: someone made it by hand or changed its owner.
    case foreign

    private init(owner: String?, content: String?, version: Int, fingerprint: String) {
        guard owner == IndexTemplate.owner else {
            self = .foreign
            return
        }
        guard content != fingerprint else {
            self = .equal
            return
        }
        self = version > IndexTemplate.version ? .newer : .install
    }

    /// From the answer to `GET /_index_template/NAME`.
    package init(template bytes: RawSpan, fingerprint: String) {
        let path = ["index_templates", "index_template"]
        self.init(
            owner: JSONLookup.text(bytes, path + ["_meta", "managed_by"]),
            content: JSONLookup.text(bytes, path + ["_meta", "content"]),
            version: JSONLookup.integer(bytes, path + ["version"]) ?? 0,
            fingerprint: fingerprint
        )
    }

    /// From the answer to `GET /_ilm/policy/NAME`.
    package init(indexLifecycle bytes: RawSpan, _ policy: LifecyclePolicy) {
        let path = [policy.name, "policy", "_meta"]
        self.init(
            owner: JSONLookup.text(bytes, path + ["managed_by"]),
            content: JSONLookup.text(bytes, path + ["content"]),
            version: 0,
            fingerprint: policy.fingerprint
        )
    }

    /// From the answer to `GET /_plugins/_ism/policies/NAME`, with the query that lets an update replace exactly the
    /// policy that was read.
    package static func stateManagement(
        _ bytes: RawSpan,
        _ policy: LifecyclePolicy
    ) -> (decision: SetupDecision, query: String?) {
        let description = JSONLookup.text(bytes, ["policy", "description"]) ?? ""
        guard description.hasPrefix("managed by \(IndexTemplate.owner)") else { return (.foreign, nil) }
        guard description != policy.description else { return (.equal, nil) }
        let sequence = JSONLookup.integer(bytes, ["_seq_no"]) ?? 0
        let term = JSONLookup.integer(bytes, ["_primary_term"]) ?? 0
        return (.install, "?if_seq_no=\(sequence)&if_primary_term=\(term)")
    }

    /// Logs why something is left alone.
    func tellsToInstall(what: String, name: String) -> Bool {
        switch self {
        case .install: return true
        case .equal: Log.debug("the \(what) is up to date", ["name": name])
        case .newer: Log.info("the \(what) is of a newer version and is left alone", ["name": name])
        case .foreign:
            Log.warning(
                "the \(what) was not made by us and is left alone; delete it to have ours installed",
                ["name": name]
            )
        }
        return false
    }
}
