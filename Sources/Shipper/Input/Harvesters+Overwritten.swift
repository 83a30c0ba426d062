import Common

/// Bytes that were seen in a file and truncated away before they were read.
extension Harvesters {
    /// What a truncated life held behind what was read of it; a copy may hold it still.
    struct Overwritten {
        let state: FileState
        let input: Int
        let path: String
        /// From where on the life was not read.
        let offset: Int64
        /// The largest size it was seen to have.
        let knownSize: Int64
        /// The size of the copy that was found.
        var copySize: Int64 = 0
        /// The scan that must have ended, and monotonic time that must have passed, before no copy is expected any more.
        let afterScan: Int
        let after: Int64

        var lostBytes: Int64 { max(knownSize - max(offset, copySize), 0) }
    }

    /// logrotate compresses a copy within this time.
    private static let copyTime: Int64 = 1_000_000_000

    /// Notes what a life held that ends by a truncation.
    ///
    /// - Parameter knownSize: the largest size seen.
    func noteOverwritten(_ harvester: Harvester, knownSize: Int64, now: Int64) {
        guard knownSize > harvester.offset else { return }
        overwritten.append(
            Overwritten(
                state: harvester.state,
                input: harvester.input,
                path: harvester.path,
                offset: harvester.offset,
                knownSize: knownSize,
                afterScan: scans + 1,
                after: now + Self.copyTime
            )
        )
        // It finds the copy, if there is one.
        needsScan = true
    }

    /// A copy of a life was found.
    func noteCopy(of state: FileState, size: Int64) {
        for index in overwritten.indices where overwritten[index].state === state {
            overwritten[index].copySize = max(overwritten[index].copySize, size)
        }
    }

    /// A copy of a life of which nothing was read may have been taken for a new file.
    private func noteCopiesRead(of loss: Overwritten) {
        for harvester in all.values where CopyRule.isRotated(harvester.path, of: loss.path) {
            do {
                if let raw = harvester.raw, try loss.state.isBeginning(of: raw) == true {
                    noteCopy(of: loss.state, size: harvester.knownSize)
                }
            } catch {
                Log.debug("file cannot be compared", ["path": harvester.path, "error": "\(error)"])
            }
        }
    }

    /// Counts as lost what no scan found a copy of.
    func settleOverwritten(now: Int64, wall: Int64) {
        for loss in overwritten {
            if loss.offset == 0 { noteCopiesRead(of: loss) }
            if loss.lostBytes > 0 { recoverCopies(of: loss.state, input: loss.input, now: now, wall: wall) }
        }
        let losses = overwritten
        overwritten.removeAll()
        for loss in losses {
            if loss.afterScan > scans || loss.after > now || archives?.mayHoldCopy(of: loss.path) ?? false {
                overwritten.append(loss)
            } else if loss.lostBytes > 0 {
                metrics.overwrittenBytes.add(Int(loss.lostBytes))
                Log.limited(
                    .error,
                    key: "overwritten " + loss.path,
                    "bytes were truncated away before they were read",
                    ["path": loss.path, "lost_bytes": "\(loss.lostBytes)"]
                )
            }
        }
    }
}
