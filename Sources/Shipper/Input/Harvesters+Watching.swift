import Common
import Glibc

/// What inotify watches, and what it cannot: that is polled, and tried again at each scan.
extension Harvesters {
    func watch(_ harvester: Harvester) {
        guard watcher != nil, let raw = harvester.raw else { return }
        do {
            guard let watch = try watcher?.watch(file: raw) else { return }
            harvester.watch = watch
            watches[watch] = harvester
        } catch {
            noteWatchFailure(harvester.path, error)
        }
    }

    func watchDirectories() {
        guard watcher != nil else { return }
        let named = inputs.reduce(into: Set()) { $0.formUnion($1.scanner.directories()) }
        unwatchedDirectories.removeAll()
        for directory in named.union(linkDirectories) where watchedDirectories[directory] == nil {
            do {
                guard let watch = try watcher?.watch(directory: directory) else { return }
                watchedDirectories[directory] = watch
                // One directory under two names has one watch; only names of patterns find the files.
                if named.contains(directory) || directories[watch] == nil { directories[watch] = directory }
            } catch .notFound {
                // Gone again since it was found.
                linkDirectories.remove(directory)
            } catch {
                unwatchedDirectories.insert(directory)
                noteWatchFailure(directory, error)
            }
        }
    }

    /// Watches open files that could not be watched before, and ends polling when nothing is left to poll.
    func watchRest() {
        guard watcher != nil, isPolling else { return }
        for harvester in all.values where harvester.watch == nil { watch(harvester) }
        isPolling = !unwatchedDirectories.isEmpty || all.values.contains { $0.watch == nil }
        if !isPolling {
            watchFailures.removeAll()
            Log.info("inotify watches everything again")
        }
    }

    private func noteWatchFailure(_ path: String, _ error: Errno) {
        isPolling = true
        guard watchFailures.count < Self.maxSkipped, watchFailures.insert(path).inserted else { return }
        metrics.watchErrors.add()
        let hint = error == .noSpace ? "fs.inotify.max_user_watches is reached; raise it" : "\(error)"
        Log.limited(
            .warning,
            key: "inotify",
            "polling what inotify cannot watch",
            ["path": path, "reason": hint]
        )
    }
}
