import Glibc
import Synchronization

/// Keeps the process alive when a mapped file is cut short by somebody else.
///
/// Reading a page that a file no longer has raises SIGBUS. Inside of a guarded mapping the missing page is replaced
/// by zeros, which libmaxminddb refuses as data; anywhere else the signal does what it did before. The next look at
/// the file finds it changed.
enum MappingGuard {
    /// Mappings guarded at a time: the current database and older ones that a worker still uses.
    private static let maxMappings = 16

    private static let state = Mutex(false)

    /// Start and end of each guarded mapping; 0 where free.
    ///
    /// Written under `state`, read by the signal handler.
    fileprivate nonisolated(unsafe) static let bounds: UnsafeMutableBufferPointer<UInt> = {
        let bounds = UnsafeMutableBufferPointer<UInt>.allocate(capacity: maxMappings * 2)
        bounds.initialize(repeating: 0)
        return bounds
    }()

    /// What SIGBUS did before; written before the handler is in place.
    fileprivate nonisolated(unsafe) static let previous: UnsafeMutablePointer<sigaction> = {
        let previous = UnsafeMutablePointer<sigaction>.allocate(capacity: 1)
        previous.initialize(to: sigaction())
        return previous
    }()

    /// Guards `mapping` until `remove`; more than `maxMappings` stay unguarded.
    static func add(_ mapping: UnsafeRawBufferPointer) {
        guard let base = mapping.baseAddress else { return }
        state.withLock { isInstalled in
            if !isInstalled {
                install()
                isInstalled = true
            }
            for slot in 0..<maxMappings where bounds[slot * 2 + 1] == 0 {
                bounds[slot * 2] = UInt(bitPattern: base)
                bounds[slot * 2 + 1] = UInt(bitPattern: base + mapping.count)
                return
            }
        }
    }

    /// Ends the guard of a mapping that is about to be unmapped.
    static func remove(_ mapping: UnsafeRawBufferPointer) {
        guard let base = mapping.baseAddress else { return }
        state.withLock { _ in
            for slot in 0..<maxMappings where bounds[slot * 2] == UInt(bitPattern: base) {
                bounds[slot * 2 + 1] = 0
                bounds[slot * 2] = 0
            }
        }
    }

    private static func install() {
        sigaction(SIGBUS, nil, previous)
        // Both are made here, so that the handler finds them made.
        bounds[0] = 0
        var action = sigaction()
        action.__sigaction_handler.sa_sigaction = replaceMissingPage
        action.sa_flags = SA_SIGINFO
        sigaction(SIGBUS, &action, nil)
    }
}

/// The signal handler: no allocation, no lock, only mmap and sigaction.
private func replaceMissingPage(
    _ signal: Int32,
    _ information: UnsafeMutablePointer<siginfo_t>?,
    _ context: UnsafeMutableRawPointer?
) {
    let address = UInt(bitPattern: information?.pointee._sifields._sigfault.si_addr)
    let pageBytes = UInt(sysconf(Int32(_SC_PAGESIZE)))
    var slot = 0
    while slot < MappingGuard.bounds.count {
        if address >= MappingGuard.bounds[slot], address < MappingGuard.bounds[slot + 1] {
            let page = UnsafeMutableRawPointer(bitPattern: address & ~(pageBytes - 1))
            let result = mmap(page, Int(pageBytes), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0)
            if result != MAP_FAILED { return }
        }
        slot += 2
    }
    // Not ours: the read is repeated on return and meets the former handler.
    sigaction(SIGBUS, MappingGuard.previous, nil)
}
