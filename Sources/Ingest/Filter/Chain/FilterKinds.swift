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

    static var names: [String] { plans.keys.sorted() }
}
