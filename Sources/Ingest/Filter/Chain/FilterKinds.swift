/// All filters by the names that the configuration uses.
enum FilterKinds {
    static let plans: [String: any FilterPlan.Type] = [
        "anonymize_ip": AnonymizeIPPlan.self,
        "convert": ConvertPlan.self,
        "copy": CopyPlan.self,
        "csv": CSVPlan.self,
        "date": DatePlan.self,
        "dissect": DissectPlan.self,
        "drop": DropPlan.self,
        "fingerprint": FingerprintPlan.self,
        "geoip": GeoIPPlan.self,
        "grok": GrokPlan.self,
        "gsub": GsubPlan.self,
        "join": JoinPlan.self,
        "json": JSONPlan.self,
        "kv": KeyValuePlan.self,
        "lowercase": LowercasePlan.self,
        "nginx_log_format": NginxLogFormatPlan.self,
        "redact": RedactPlan.self,
        "regex": RegexPlan.self,
        "remove": RemovePlan.self,
        "rename": RenamePlan.self,
        "sample": SamplePlan.self,
        "set": SetPlan.self,
        "split": SplitPlan.self,
        "split_event": SplitEventPlan.self,
        "tag": TagPlan.self,
        "throttle": ThrottlePlan.self,
        "trim": TrimPlan.self,
        "uppercase": UppercasePlan.self,
        "url": URLPlan.self,
        "user_agent": UserAgentPlan.self,
    ]

    /// What people who know a filter from Logstash or Elasticsearch write here.
    static let advice = [
        "mutate": "write each of its parts as a filter of its own: rename, convert, gsub, lowercase, …",
        "useragent": "it is called user_agent",
        "strip": "it is called trim",
        "merge": "use add_field beside a filter, or set with a list",
        "update": "use set, with if: and the name of the field",
        "replace": "use set",
        "append": "use add_field or add_tag beside a filter",
        "uri_parts": "it is called url",
        "foreach": "most filters work on each element of a list; split_event makes an event of each",
        "script": "there are no scripts; say what it does with filters and conditions",
        "ruby": "there are no scripts; say what it does with filters and conditions",
    ]

    static var names: [String] { plans.keys.sorted() }
}
