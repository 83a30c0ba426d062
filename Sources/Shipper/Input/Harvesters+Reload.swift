import Common

/// Other inputs while files are followed.
extension Harvesters {
    /// Follows the files of `new` from now on.
    ///
    /// A file that one of them names goes on where it is, with that input's settings. Any other is read as far as it
    /// goes now and then closed; its state stays, for an input that names it again.
    func reload(_ new: [Input], now: Int64) {
        func index(of path: String) -> Int? { new.firstIndex { $0.scanner.matches(path) } }
        var placed = new
        var places: [Int: Int] = [:]
        /// Where the settings of an input that is no more are kept: without patterns, it finds nothing.
        func place(ofEnded index: Int) -> Int {
            if let place = places[index] { return place }
            var ended = inputs[index]
            ended.scanner = PathScanner(patterns: [])
            placed.append(ended)
            places[index] = placed.count - 1
            return placed.count - 1
        }
        var ended: [Harvester] = []
        for harvester in all.values {
            if let index = index(of: harvester.path) ?? index(of: harvester.state.path) {
                harvester.input = index
                harvester.isOutside = !new[index].scanner.matches(harvester.path)
                harvester.lastOffset = nil
            } else {
                harvester.input = place(ofEnded: harvester.input)
                ended.append(harvester)
            }
            harvester.forgetRules()
        }
        for (key, candidate) in candidates {
            if let index = index(of: candidate.path) {
                candidate.input = index
            } else {
                candidates[key] = nil
            }
        }
        if inputsBefore.isEmpty { inputsBefore = inputs }
        inputs = placed
        forgetDirectories()
        inputsChanged(now: now)
        for harvester in ended { end(harvester) }
        for harvester in all.values { enqueue(harvester) }
    }

    /// Whether this scan is the first that may find the file: at the start, or after its input came.
    func isFirstSight(of path: String) -> Bool {
        isFirstScan || !inputsBefore.isEmpty && !inputsBefore.contains { $0.scanner.matches(path) }
    }

    /// Lets a file go that was to be read up to some offset, when it is.
    func closeIfEnded(_ harvester: Harvester, isDrained: Bool) {
        guard let end = harvester.lastOffset, isDrained || harvester.offset >= end,
            all[harvester.key] === harvester
        else { return }
        Log.info("file is no longer followed", ["path": harvester.path, "read_bytes": "\(harvester.offset)"])
        remove(harvester)
    }

    /// Where a known file is read on: behind what is stored, and behind what is on its way if this process let it go.
    func continuation(of state: FileState, raw: Int32, size: Int64) throws(Errno) -> (Int64, Fingerprint) {
        if let (offset, fingerprint) = state.reading, offset > state.offset, size >= offset,
            try fingerprint.matches(raw: raw, at: offset)
        {
            return (offset, fingerprint)
        }
        return (state.offset, state.fingerprint)
    }

    private func end(_ harvester: Harvester) {
        guard harvester.isOpen else {
            remove(harvester)
            return
        }
        _ = harvester.hasNews()
        harvester.isOutside = true
        // What a compressed file holds comes to an end by itself.
        if harvester.upkeep.inflatedPath == nil {
            harvester.lastOffset = harvester.lastOffset ?? harvester.knownSize
        }
    }

    /// Stops watching directories in which no input looks any more.
    private func forgetDirectories() {
        let wanted = inputs.reduce(into: linkDirectories) { $0.formUnion($1.scanner.directories()) }
        for (directory, watch) in watchedDirectories where !wanted.contains(directory) {
            watchedDirectories[directory] = nil
            // One watch stands for all names of a directory.
            guard !watchedDirectories.values.contains(watch) else { continue }
            directories[watch] = nil
            watcher?.remove(watch)
        }
    }
}
