/// All filters by the names that the configuration uses.
enum FilterKinds {
    static let plans: [String: any FilterPlan.Type] = [
        "drop": DropPlan.self,
        "remove": RemovePlan.self,
        "set": SetPlan.self,
    ]

    static var names: [String] { plans.keys.sorted() }
}
