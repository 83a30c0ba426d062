extension Harvester {
    /// Where the last line ends that could be sent: behind it is at most the beginning of one.
    private var sendableEnd: Int64 { knownSize == offset + searchedBytes ? offset : knownSize }

    /// Notes that lines wait, or that none does.
    ///
    /// Once per read of the file, not per line. A closed file was read to its end: acks tell the rest.
    func noteLag(now: Int64) {
        guard isOpen || upkeep.isWaiting else { return }
        state.lag.see(end: sendableEnd, stored: state.offset, now: now)
    }
}
