/// The kinds of lines that there are pipelines for.
///
/// Each is also the name of a pipeline that exists without configuration.
enum FormatName: String, CaseIterable, Sendable {
    case nginxAccess = "nginx-access"
    case nginxError = "nginx-error"
    case nginxIngress = "nginx-ingress"
    case nginxJSON = "nginx-json"
    case gunicornAccess = "gunicorn-access"
    case gunicornError = "gunicorn-error"
    case flask
    case werkzeug
    case django
    case pythonJSON = "python-json"
    case syslog
    case apache
    case json
    case plain

    /// The family: `event.module`, and what the tag of a failure begins with.
    var module: String {
        switch self {
        case .nginxAccess, .nginxError, .nginxIngress, .nginxJSON: "nginx"
        case .gunicornAccess, .gunicornError: "gunicorn"
        case .pythonJSON: "python"
        case .flask, .werkzeug, .django, .syslog, .apache, .json, .plain: rawValue
        }
    }

    /// `event.dataset`.
    var dataset: String {
        switch self {
        case .nginxAccess, .nginxJSON: "nginx.access"
        case .nginxError: "nginx.error"
        case .nginxIngress: "nginx.ingress_controller"
        case .gunicornAccess: "gunicorn.access"
        case .gunicornError: "gunicorn.error"
        case .apache: "apache.access"
        case .flask, .werkzeug, .django, .pythonJSON, .syslog, .json, .plain: module + ".log"
        }
    }

    /// The prefix of the daily indices.
    ///
    /// Not `logs`, since the template for `logs-*` would take the data streams of Elastic's own agents.
    var index: String {
        switch self {
        case .werkzeug: "flask"
        case .json, .plain: "log"
        default: module
        }
    }

    /// The `log_format` that is meant when none is given; nil for a format that has none.
    var defaultLogFormat: String? {
        switch self {
        case .nginxAccess, .apache: "combined"
        case .nginxIngress: "ingress"
        // By the names of its members, and as Python programs usually write them.
        case .nginxJSON, .gunicornError, .flask, .werkzeug, .django: ""
        case .gunicornAccess: "default"
        case .nginxError, .pythonJSON, .syslog, .json, .plain: nil
        }
    }
}
