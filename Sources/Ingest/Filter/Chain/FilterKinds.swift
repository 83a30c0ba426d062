/// All filters by the names that the configuration uses.
enum FilterKinds {
    static let plans: [String: any FilterPlan.Type] = [
        "csv": CSVPlan.self,
        "date": DatePlan.self,
        "dissect": DissectPlan.self,
        "drop": DropPlan.self,
        "grok": GrokPlan.self,
        "json": JSONPlan.self,
        "kv": KeyValuePlan.self,
        "regex": RegexPlan.self,
        "remove": RemovePlan.self,
        "set": SetPlan.self,
    ]

    static var names: [String] { plans.keys.sorted() }
}
