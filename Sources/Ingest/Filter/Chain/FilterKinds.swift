/// All filters by the names that the configuration uses.
enum FilterKinds {
    static let plans: [String: any FilterPlan.Type] = [
        "date": DatePlan.self,
        "drop": DropPlan.self,
        "grok": GrokPlan.self,
        "regex": RegexPlan.self,
        "remove": RemovePlan.self,
        "set": SetPlan.self,
    ]

    static var names: [String] { plans.keys.sorted() }
}
