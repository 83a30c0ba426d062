import Testing

/// Lines that are valid, to be broken in one place.
enum ValidLine {
    static let metadata =
        #"{"metadata":{"service":{"name":"shop","agent":{"name":"python","version":"6.1"}}}}"#
    static let transaction =
        #"{"transaction":{"id":"1","trace_id":"2","type":"request","duration":1.5,"span_count":{"started":0}}}"#
    static let span =
        #"{"span":{"id":"1","trace_id":"2","parent_id":"3","name":"n","type":"db","start":1,"duration":1.5}}"#
    static let error = #"{"error":{"id":"1","exception":{"type":"E"}}}"#
    static let metricset = #"{"metricset":{"samples":{"a":{"value":1}}}}"#
    static let log = #"{"log":{"message":"hello"}}"#
    static let rumMetadata = #"{"m":{"se":{"n":"shop","a":{"n":"rum-js","ve":"5"}}}}"#
    static let rumTransaction = #"{"x":{"id":"1","tid":"2","t":"page-load","d":1.5,"yc":{"sd":0}}}"#
    static let rumError = #"{"e":{"id":"1","ex":{"t":"E"}}}"#

    static let all = [
        metadata, transaction, span, error, metricset, log, rumMetadata, rumTransaction, rumError,
    ]

    /// The line with `member` added to its event; of members that come twice the later one counts.
    static func adding(_ member: String, to line: String) -> String {
        String(line.dropLast(2)) + ",\(member)}}"
    }
}

/// A line that breaks a rule, and what the agent is told behind `validation error: `.
struct InvalidLine: CustomTestStringConvertible {
    var line: String
    var message: String

    init(_ line: String, _ message: String) {
        self.line = line
        self.message = message
    }

    init(_ line: String, with member: String, _ message: String) {
        self.init(ValidLine.adding(member, to: line), message)
    }

    var testDescription: String { message }
}

private let long = String(repeating: "é", count: 1025)

extension InvalidLine {
    static let metadata = [
        InvalidLine(#"{"metadata":{}}"#, "'metadata' required"),
        InvalidLine(#"{"metadata":null}"#, "'metadata' required"),
        InvalidLine(#"{"metadata":{"unknown":1,"service":{},"user":{"id":null}}}"#, "'metadata' required"),
        InvalidLine(#"{"metadata":{"user":{"id":"1"}}}"#, "metadata: 'service' required"),
        InvalidLine(
            #"{"metadata":{"service":{"agent":{"name":"a","version":"1"}}}}"#,
            "metadata: service: 'name' required"
        ),
        InvalidLine(#"{"metadata":{"service":{"name":"a"}}}"#, "metadata: service: 'agent' required"),
        InvalidLine(
            #"{"metadata":{"service":{"name":"a","agent":{"version":"1"}}}}"#,
            "metadata: service: agent: 'name' required"
        ),
        InvalidLine(
            #"{"metadata":{"service":{"name":"a","agent":{"name":"","version":"1"}}}}"#,
            "metadata: service: agent: 'name': validation rule 'minLength(1)' violated"
        ),
        InvalidLine(
            #"{"metadata":{"service":{"name":"","agent":{"name":"a","version":"1"}}}}"#,
            "metadata: service: 'name': validation rule 'minLength(1)' violated"
        ),
        InvalidLine(
            #"{"metadata":{"service":{"name":"a.b","agent":{"name":"a","version":"1"}}}}"#,
            "metadata: service: 'name': validation rule 'pattern(patternAlphaNumericExt)' violated"
        ),
        InvalidLine(
            #"{"metadata":{"service":{"name":"a\n","agent":{"name":"a","version":"1"}}}}"#,
            "metadata: service: 'name': validation rule 'pattern(patternAlphaNumericExt)' violated"
        ),
        InvalidLine(ValidLine.metadata, with: #""process":{"ppid":1}"#, "metadata: process: 'pid' required"),
        InvalidLine(
            ValidLine.metadata,
            with: #""cloud":{"region":"r"}"#,
            "metadata: cloud: 'provider' required"
        ),
        InvalidLine(
            ValidLine.metadata,
            with: #""system":{"kubernetes":{"pod":{"uid":"\#(long)"}}}"#,
            "metadata: system: kubernetes: pod: 'uid': validation rule 'maxLength(1024)' violated"
        ),
        InvalidLine(
            ValidLine.metadata,
            with: #""user":{"id":1.5}"#,
            "metadata: user: 'id': validation rule 'inputTypes(string;int)' violated"
        ),
        InvalidLine(
            ValidLine.metadata,
            with: #""labels":{"a":"ok","b":["x"]}"#,
            "metadata: 'labels': validation rule 'inputTypesVals(string;bool;number)' violated for key b"
        ),
        InvalidLine(
            #"{"m":{"se":{"n":"shop","a":{"n":"rum-js"}}}}"#,
            "m: se: a: 've' required"
        ),
        InvalidLine(#"{"m":{"se":{"a":{"n":"rum-js","ve":"5"}}}}"#, "m: se: 'n' required"),
        InvalidLine(
            ValidLine.rumMetadata,
            with: #""n":{"c":{"t":"\#(long)"}}"#,
            "m: n: c: 't': validation rule 'maxLength(1024)' violated"
        ),
    ]

    static let transactions = [
        InvalidLine(#"{"transaction":{}}"#, "'transaction' required"),
        InvalidLine(#"{"transaction":{"name":"n"}}"#, "transaction: 'id' required"),
        InvalidLine(#"{"transaction":{"id":"1","type":"t"}}"#, "transaction: 'trace_id' required"),
        InvalidLine(
            #"{"transaction":{"id":"1","trace_id":"2","type":"t","duration":1,"span_count":{"dropped":1}}}"#,
            "transaction: span_count: 'started' required"
        ),
        InvalidLine(
            #"{"transaction":{"id":"1","trace_id":"2","type":"t","duration":1,"span_count":{}}}"#,
            "transaction: 'span_count' required"
        ),
        InvalidLine(
            ValidLine.transaction,
            with: #""id":"\#(long)""#,
            "transaction: 'id': validation rule 'maxLength(1024)' violated"
        ),
        InvalidLine(
            ValidLine.transaction,
            with: #""duration":-0.5"#,
            "transaction: 'duration': validation rule 'min(0)' violated"
        ),
        InvalidLine(
            ValidLine.transaction,
            with: #""outcome":"maybe""#,
            "transaction: 'outcome': validation rule 'enum(enumOutcome)' violated"
        ),
        InvalidLine(
            ValidLine.transaction,
            with: #""session":{"sequence":1}"#,
            "transaction: session: 'id' required"
        ),
        InvalidLine(
            ValidLine.transaction,
            with: #""session":{"id":"a","sequence":0}"#,
            "transaction: session: 'sequence': validation rule 'min(1)' violated"
        ),
        InvalidLine(
            ValidLine.transaction,
            with: #""experience":{"cls":-1}"#,
            "transaction: experience: 'cls': validation rule 'min(0)' violated"
        ),
        InvalidLine(
            ValidLine.transaction,
            with: #""experience":{"longtask":{"count":1,"sum":1}}"#,
            "transaction: experience: longtask: 'max' required"
        ),
        InvalidLine(
            ValidLine.transaction,
            with: #""links":[{"trace_id":"1","span_id":"2"},{"trace_id":"1"}]"#,
            "transaction: links: 'span_id' required"
        ),
        InvalidLine(
            ValidLine.transaction,
            with: #""links":[null]"#,
            "transaction: links slice element required"
        ),
        InvalidLine(
            ValidLine.transaction,
            with: #""links":[{}]"#,
            "transaction: links slice element required"
        ),
        InvalidLine(
            ValidLine.transaction,
            with: #""dropped_spans_stats":[{"service_target_type":"\#(long.prefix(513))"}]"#,
            "transaction: dropped_spans_stats: 'service_target_type': validation rule 'maxLength(512)' violated"
        ),
        InvalidLine(
            ValidLine.transaction,
            with: #""dropped_spans_stats":[{"duration":{"count":0,"sum":{"us":1}}}]"#,
            "transaction: dropped_spans_stats: duration: 'count': validation rule 'min(1)' violated"
        ),
        InvalidLine(
            ValidLine.transaction,
            with: #""context":{"request":{"url":{"full":"x"}}}"#,
            "transaction: context: request: 'method' required"
        ),
        InvalidLine(
            ValidLine.transaction,
            with: #""context":{"request":{"method":"GET","body":[1]}}"#,
            "transaction: context: request: 'body': validation rule 'inputTypes(string;object)' violated"
        ),
        InvalidLine(
            ValidLine.transaction,
            with: #""context":{"request":{"method":"GET","url":{"port":"http"}}}"#,
            "transaction: context: request: url: 'port': validation rule 'targetType(int)' violated"
        ),
        InvalidLine(
            ValidLine.transaction,
            with: #""context":{"request":{"method":"GET","url":{"port":true}}}"#,
            "transaction: context: request: url: 'port': validation rule 'inputTypes(string;int)' violated"
        ),
        InvalidLine(
            ValidLine.transaction,
            with: #""context":{"service":{"target":{"type":null},"name":"a/b"}}"#,
            "transaction: context: service: 'name': validation rule 'pattern(patternAlphaNumericExt)' violated"
        ),
        InvalidLine(
            ValidLine.transaction,
            with: #""context":{"tags":{"a":"\#(long)"}}"#,
            "transaction: context: 'tags': validation rule 'maxLengthVals(1024)' violated"
        ),
        InvalidLine(
            ValidLine.transaction,
            with: #""context":{"tags":{"a":true,"b\"c":{"d":1}}}"#,
            "transaction: context: 'tags': validation rule 'inputTypesVals(string;bool;number)' violated for key b\"c"
        ),
        InvalidLine(#"{"x":{"id":"1","tid":"2","t":"t","d":1}}"#, "x: 'yc' required"),
        InvalidLine(
            ValidLine.rumTransaction,
            with: #""y":[{"id":"1","n":"n","t":"t","s":1,"d":1},{"id":"1","n":"n","t":"t","d":1}]"#,
            "x: y: 's' required"
        ),
        InvalidLine(ValidLine.rumTransaction, with: #""me":[{"y":{"t":"a"}}]"#, "x: me: 'sa' required"),
        InvalidLine(ValidLine.rumTransaction, with: #""c":{"q":{"hve":"1"}}"#, "x: c: q: 'mt' required"),
        InvalidLine(
            ValidLine.rumTransaction,
            with: #""y":[{"id":"1","n":"n","t":"t","s":1,"d":1,"st":[{"fn":"f"}]}]"#,
            "x: y: st: 'f' required"
        ),
    ]

    static let spans = [
        InvalidLine(
            #"{"span":{"id":"1","trace_id":"2","name":"n","type":"db","start":1,"duration":1.5}}"#,
            "span: 'parent_id' required"
        ),
        InvalidLine(
            #"{"span":{"id":"1","trace_id":"2","parent_id":"3","name":"n","type":"db","duration":1.5}}"#,
            "span: requires at least one of the fields 'start;timestamp'"
        ),
        InvalidLine(
            ValidLine.span,
            with: #""child_ids":["a","\#(long)"]"#,
            "span: 'child_ids': validation rule 'maxLength(1024)' violated"
        ),
        InvalidLine(
            ValidLine.span,
            with: #""composite":{"compression_strategy":"x","count":1,"sum":1}"#,
            "span: composite: 'count': validation rule 'min(2)' violated"
        ),
        InvalidLine(
            ValidLine.span,
            with: #""composite":{"count":2,"sum":1}"#,
            "span: composite: 'compression_strategy' required"
        ),
        InvalidLine(
            ValidLine.span,
            with: #""context":{"destination":{"service":{"name":"a"}}}"#,
            "span: context: destination: service: 'resource' required"
        ),
        InvalidLine(
            ValidLine.span,
            with: #""stacktrace":[{"lineno":1}]"#,
            "span: stacktrace: requires at least one of the fields 'classname;filename'"
        ),
        InvalidLine(
            ValidLine.span,
            with: #""stacktrace":[{"filename":"f"},null]"#,
            "span: stacktrace slice element required"
        ),
    ]

    static let others = [
        InvalidLine(#"{"error":{"exception":{"type":"E"}}}"#, "error: 'id' required"),
        InvalidLine(#"{"error":{"id":"1"}}"#, "error: requires at least one of the fields 'exception;log'"),
        InvalidLine(
            #"{"error":{"id":"1","exception":{},"log":{"unknown":1}}}"#,
            "error: requires at least one of the fields 'exception;log'"
        ),
        InvalidLine(
            ValidLine.error,
            with: #""trace_id":"1""#,
            "error: 'parent_id' required when 'trace_id' is set"
        ),
        InvalidLine(
            ValidLine.error,
            with: #""transaction_id":"1""#,
            "error: 'parent_id' required when 'transaction_id' is set"
        ),
        InvalidLine(
            ValidLine.error,
            with: #""parent_id":"1""#,
            "error: 'trace_id' required when 'parent_id' is set"
        ),
        InvalidLine(
            ValidLine.error,
            with: #""exception":{"module":"m"}"#,
            "error: exception: requires at least one of the fields 'message;type'"
        ),
        InvalidLine(
            ValidLine.error,
            with: #""exception":{"type":"E","cause":[{"type":"F","cause":[{"handled":true}]}]}"#,
            "error: exception: cause: cause: requires at least one of the fields 'message;type'"
        ),
        InvalidLine(
            ValidLine.error,
            with: #""exception":{"type":"E","cause":[null]}"#,
            "error: exception: cause slice element required"
        ),
        InvalidLine(
            ValidLine.error,
            with: #""exception":{"type":"E","stacktrace":[{}]}"#,
            "error: exception: stacktrace slice element required"
        ),
        InvalidLine(
            ValidLine.error,
            with: #""exception":{"type":"E","code":1.5}"#,
            "error: exception: 'code': validation rule 'inputTypes(string;int)' violated"
        ),
        InvalidLine(ValidLine.error, with: #""log":{"level":"warn"}"#, "error: log: 'message' required"),
        InvalidLine(ValidLine.rumError, with: #""tid":"1""#, "e: 'pid' required when 'tid' is set"),
        InvalidLine(ValidLine.rumError, with: #""log":{"lv":"warn"}"#, "e: log: 'mg' required"),
        InvalidLine(
            ValidLine.rumError,
            with: #""ex":{"t":"E","st":[{"cn":"C"}]}"#,
            "e: ex: st: 'f' required"
        ),
        InvalidLine(#"{"metricset":{"timestamp":1}}"#, "metricset: 'samples' required"),
        InvalidLine(#"{"metricset":{"timestamp":1,"samples":{}}}"#, "metricset: 'samples' required"),
        InvalidLine(
            #"{"metricset":{"samples":{"a*b":{"value":1}}}}"#,
            "metricset: 'samples': validation rule 'patternKeys(patternNoAsteriskQuote)' violated"
        ),
        InvalidLine(
            #"{"metricset":{"samples":{"a\"b":{"value":1}}}}"#,
            "metricset: 'samples': validation rule 'patternKeys(patternNoAsteriskQuote)' violated"
        ),
        InvalidLine(
            #"{"metricset":{"samples":{"a":{"type":"gauge"}}}}"#,
            "metricset: samples: requires at least one of the fields 'value;values'"
        ),
        InvalidLine(
            #"{"metricset":{"samples":{"a":{"value":null}}}}"#,
            "metricset: samples: requires at least one of the fields 'value;values'"
        ),
        InvalidLine(
            #"{"metricset":{"samples":{"a":{"values":[1]}}}}"#,
            "metricset: samples: 'counts' required when 'values' is set"
        ),
        InvalidLine(
            #"{"metricset":{"samples":{"a":{"values":[1],"counts":[-1]}}}}"#,
            "metricset: samples: 'counts': validation rule 'min(0)' violated"
        ),
        InvalidLine(
            ValidLine.log,
            with: #""log.level":"\#(long)""#,
            "log: 'log.level': validation rule 'maxLength(1024)' violated"
        ),
        InvalidLine(
            ValidLine.log,
            with: #""service":{"node":{"name":"\#(long)"}}"#,
            "log: service: node: 'name': validation rule 'maxLength(1024)' violated"
        ),
    ]
}
