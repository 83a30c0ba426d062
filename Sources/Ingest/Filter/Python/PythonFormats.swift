/// The formats in which Python programs usually log.
enum PythonFormats {
    /// Of `[2026-11-22 10:14:43 +0000] [21704] [INFO] Booting worker`.
    static let gunicorn = "[%(asctime)s] [%(process)d] [%(levelname)s] %(message)s"
    /// Of `[2026-11-22 10:14:47,092] WARNING in shop: stock low`.
    static let flask = "[%(asctime)s] %(levelname)s in %(module)s: %(message)s"

    /// What `logging.basicConfig`, Django's documentation and most projects have; the more telling first, since a looser one
    /// takes lines of a stricter one, too.
    static let usual = [
        gunicorn,
        flask,
        "%(asctime)s [%(levelname)s] %(name)s: %(message)s",
        "%(asctime)s [%(process)d] [%(levelname)s] %(name)s: %(message)s",
        "%(asctime)s - %(name)s - %(levelname)s - %(message)s",
        "%(asctime)s %(levelname)-8s %(name)s: %(message)s",
        "[%(asctime)s] [%(levelname)s] %(name)s: %(message)s",
        "[%(asctime)s] %(levelname)s [%(name)s:%(lineno)d] %(message)s",
        "[%(asctime)s] %(levelname)s [%(name)s] %(message)s",
        // Celery's workers.
        "[%(asctime)s: %(levelname)s/%(processName)s] %(message)s",
        "{levelname} {asctime} {module} {process:d} {thread:d} {message}",
        "%(levelname)s %(asctime)s %(name)s: %(message)s",
        "%(levelname)s:%(name)s:%(message)s",
        "%(asctime)s [%(levelname)s] %(message)s",
        "[%(asctime)s] [%(levelname)s] %(message)s",
        "%(asctime)s %(levelname)-8s %(message)s",
        "%(levelname)s %(asctime)s %(message)s",
        "[%(levelname)s] %(asctime)s %(message)s",
        "%(levelname)s: %(message)s",
        "%(levelname)s %(message)s",
        "%(asctime)s %(message)s",
    ]

    /// The formats that a configuration's text means.
    static func compile(_ source: String) throws(PythonFormatError) -> [PythonLogFormat] {
        var formats: [PythonLogFormat] = []
        // One's own comes first, and the lines of servers keep theirs.
        for text in source.isEmpty ? usual : [source] + usual { formats.append(try PythonLogFormat(text)) }
        return formats
    }
}
