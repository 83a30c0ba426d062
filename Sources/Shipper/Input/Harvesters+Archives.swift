import Common
import Glibc

/// Compressed files of old lines (`compression`): read once, unless they were read before they were compressed.
extension Harvesters {
    /// Takes a file that was just opened for a compressed one, to be read later.
    ///
    /// - Returns: false when it is to be read as it is.
    func takeArchive(
        _ file: borrowing Descriptor,
        _ status: FileStatus,
        _ path: String,
        input: Int,
        isOutside: Bool,
        now: Int64,
        wall: Int64
    ) throws(Errno) -> Bool {
        let compression = inputs[input].files.compression
        guard let archives, compression.mayApply(to: path) else { return false }
        guard archives.done[status.key] != status.size else { return true }
        guard try GzipFile.hasMagic(raw: file.raw) || status.size < 2 else {
            if compression == .gzip { skip(path, "it is not gzip") }
            return compression == .gzip
        }
        let state = registry.states[status.key]
        if let state, state.offset > 0,
            try GzipFile.inflatedSize(raw: file.raw, size: status.size)
                == UInt32(truncatingIfNeeded: state.offset)
        {
            archives.done[status.key] = status.size
            return true
        }
        if archives.waiting[status.key] != nil {
            archives.waiting[status.key]?.path = path
            return true
        }
        let isSettled = wall - status.modified > Archives.settlingTime / 1_000_000_000
        archives.waiting[status.key] = Archives.Archive(
            path: path,
            input: input,
            isOutside: isOutside || isFirstSight(of: path) && inputs[input].startsAtEnd && state == nil,
            size: status.size,
            modified: status.modified,
            since: isSettled ? now - Archives.settlingTime : now
        )
        return true
    }

    /// Has the content of a compressed file read, once it is inflated.
    func takeInflated(now: Int64, wall: Int64) {
        guard let archives, let inflation = archives.inflation, let result = inflation.call.take() else {
            return
        }
        archives.inflation = nil
        placeInflated(inflation.key, result, archives, now: now, wall: wall)
        beginNextArchive(now: now)
    }

    /// Inflates the compressed file that has waited longest, if it is complete.
    func beginNextArchive(now: Int64) {
        guard let archives, archives.inflation == nil, archives.current == nil else { return }
        for (key, archive) in archives.waiting.sorted(by: { $0.value.since < $1.value.since }) {
            if isComplete(key, archive, archives, now: now), beginInflating(key, archive, archives) { return }
        }
    }

    /// Ends inflating, and removes what it left.
    func endArchives() {
        guard let archives else { return }
        if let inflation = archives.inflation {
            inflation.inflater.stop()
            _ = inflation.call.wait()
            archives.inflation = nil
        }
        archives.removeInflated()
    }

    /// Whether a file was inflated for this harvester, and is read to its end.
    func finishIfArchive(_ harvester: Harvester, now: Int64) -> Bool {
        guard let archives, let current = archives.current, current.key == harvester.key else { return false }
        if harvester.hasNews() { return true }
        if harvester.hasRest {
            finishRest(of: harvester)
            return true
        }
        archives.done[current.key] = current.size
        archives.current = nil
        metrics.archivesRead.add()
        remove(harvester)
        archives.removeInflated()
        beginNextArchive(now: now)
        return true
    }

    private func isComplete(_ key: FileKey, _ archive: Archives.Archive, _ archives: Archives, now: Int64)
        -> Bool
    {
        guard let status = quietStatus(archive.path), status.key == key else {
            // Renamed or gone: a scan finds it again.
            archives.waiting[key] = nil
            return false
        }
        guard status.size == archive.size, status.modified == archive.modified else {
            archives.waiting[key]?.size = status.size
            archives.waiting[key]?.modified = status.modified
            archives.waiting[key]?.since = now
            return false
        }
        guard now - archive.since >= Archives.settlingTime else { return false }
        if status.size == 0 {
            // Nothing to read until it changes.
            archives.waiting[key] = nil
            archives.done[key] = 0
            return false
        }
        // Its original is still being read: where that ends is not known yet.
        return !all.values.contains { harvester in
            harvester.isOpen && harvester.isDeleted
                && (CopyRule.isRotated(archive.path, of: harvester.path)
                    || CopyRule.isRotated(archive.path, of: harvester.state.path))
        }
    }

    private func beginInflating(_ key: FileKey, _ archive: Archives.Archive, _ archives: Archives) -> Bool {
        do {
            let file = try openFile(archive.path, input: archive.input)
            if archive.isOutside, try !beginsAsKnown(file, archive.path) {
                archives.waiting[key] = nil
                return false
            }
            let raw = file.release()
            let inflater = ArchiveInflater()
            let path = archives.inflatedPath
            let call = try BackgroundCall("inflate", waker: archives.waker) {
                inflater.inflate(raw, to: path)
            }
            archives.inflation = (key, inflater, call)
            return true
        } catch {
            archives.waiting[key] = nil
            noteOpenFailure(archive.path, error)
            return false
        }
    }

    /// Whether a compressed file begins as a file that is gone, or as an ended life: only then can it hold its rest.
    private func beginsAsKnown(_ file: borrowing Descriptor, _ path: String) throws(Errno) -> Bool {
        let head = try GzipFile.head(raw: file.raw)
        return (registry.ended + goneStates()).contains { state in
            guard CopyRule.isRotated(path, of: state.path) else { return false }
            let (offset, fingerprint) = state.resumption
            guard offset > 0 else { return state.token != nil }
            let length = Fingerprint.length(at: offset)
            return head.count >= length && head.withSpan { fingerprint.matchesHead($0, 0..<length) }
        }
    }

    private func placeInflated(
        _ key: FileKey,
        _ result: ArchiveInflater.Result,
        _ archives: Archives,
        now: Int64,
        wall: Int64
    ) {
        guard let archive = archives.waiting.removeValue(forKey: key) else {
            return archives.removeInflated()
        }
        switch result.failure {
        case nil: break
        case .content:
            metrics.archiveErrors.add()
            Log.error(
                "compressed file is damaged or incomplete; what could be read of it is sent",
                ["path": archive.path, "bytes": "\(result.bytes)", "error": "\(result.failure, default: "")"]
            )
        case .read, .write, .stopped:
            metrics.readErrors.add()
            Log.limited(
                .error,
                key: "inflate",
                "compressed file cannot be read; it is tried again",
                ["path": archive.path, "error": "\(result.failure, default: "")"]
            )
            retry(key, archive, archives, now: now)
            return
        }
        do {
            let file = try Descriptor.open(archives.inflatedPath, O_RDONLY)
            let status = FileStatus(key: key, size: result.bytes, modified: archive.modified)
            place(
                file,
                status,
                archive.path,
                archive.input,
                archive.isOutside,
                isSettled: true,
                now: now,
                wall: wall
            )
        } catch {
            noteOpenFailure(archives.inflatedPath, error)
            retry(key, archive, archives, now: now)
            return
        }
        if candidates.removeValue(forKey: key) != nil {
            // Its original is whole and has more to read.
            retry(key, archive, archives, now: now)
        } else if let harvester = all[key] {
            harvester.upkeep.inflatedPath = archives.inflatedPath
            archives.current = (key, archive.size)
        } else {
            archives.done[key] = archive.size
            archives.removeInflated()
        }
    }

    private func retry(_ key: FileKey, _ archive: Archives.Archive, _ archives: Archives, now: Int64) {
        var archive = archive
        archive.since = now + Archives.retryTime - Archives.settlingTime
        archives.waiting[key] = archive
        archives.removeInflated()
    }
}
