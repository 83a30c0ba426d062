import CMaxMindDB
import Glibc

/// An open MMDB file: a search tree over addresses whose leaves are records of nested maps.
///
/// Mapped into memory, read-only and shared by threads; closed when the last one lets go. This file alone names
/// libmaxminddb, which checks every offset it follows, so a damaged file costs answers and nothing more. The designated
/// initialiser and `deinit` do not name it: the linker keeps them in programs that look nothing up.
/// Format: MaxMind DB File Format Specification 2.0.
final class GeoIPDatabase: @unchecked Sendable {
    // Sendable: the library only reads `handle` after it was opened.
    private let handle: UnsafeMutablePointer<MMDB_s>
    private let close: @Sendable (UnsafeMutablePointer<MMDB_s>) -> Void

    /// Maps the file at `path`.
    convenience init(path: String) throws(GeoIPDatabaseError) {
        let opened = UnsafeMutablePointer<MMDB_s>.allocate(capacity: 1)
        opened.initialize(to: MMDB_s())
        let status = MMDB_open(path, UInt32(MMDB_MODE_MMAP), opened)
        guard status == MMDB_SUCCESS else {
            opened.deallocate()
            throw GeoIPDatabaseError(reason: String(cString: MMDB_strerror(status)))
        }
        self.init(handle: opened) { MMDB_close($0) }
        MappingGuard.add(mapping)
    }

    private init(
        handle: UnsafeMutablePointer<MMDB_s>,
        close: @escaping @Sendable (UnsafeMutablePointer<MMDB_s>) -> Void
    ) {
        self.handle = handle
        self.close = close
    }

    deinit {
        MappingGuard.remove(mapping)
        close(handle)
        handle.deallocate()
    }

    /// What kind of records the file holds, such as `GeoLite2-City`.
    var type: String { handle.pointee.metadata.database_type.map { String(cString: $0) } ?? "" }

    /// When the file was made, in seconds since 1970.
    var buildEpoch: UInt64 { handle.pointee.metadata.build_epoch }

    /// The mapped bytes.
    var mapping: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: handle.pointee.file_content, count: handle.pointee.file_size)
    }

    /// What `GeoIPTree` needs to walk the tree.
    struct TreeShape {
        let nodeCount: UInt32
        /// Bits of one of the two records of a node.
        let recordBits: Int
        /// The node that all IPv4 addresses lie below.
        let firstNode: UInt32
        /// Bytes of all records.
        let dataBytes: UInt32
    }

    var treeShape: TreeShape {
        let database = handle.pointee
        let isIPv4Only = database.metadata.ip_version == 4
        return TreeShape(
            nodeCount: database.metadata.node_count,
            recordBits: Int(database.metadata.record_size),
            firstNode: isIPv4Only ? 0 : database.ipv4_start_node.node_value,
            dataBytes: database.data_section_size
        )
    }

    /// Where the record of an address begins; nil when it has none.
    ///
    /// The same for all addresses that share it.
    func record(for address: IPAddress) -> UInt32? {
        var status: Int32 = 0
        let result =
            address.isIPv4 ? lookUpIPv4(address, status: &status) : lookUpIPv6(address, status: &status)
        guard status == MMDB_SUCCESS, result.found_entry else { return nil }
        return result.entry.offset
    }

    /// The text at `path` of a record, copied; nil when it has none.
    ///
    /// An index of `-1` is the last element of a list.
    func text(_ record: UInt32, _ path: StaticString...) -> [UInt8]? {
        guard let data = value(record, path), data.type == UInt32(MMDB_DATA_TYPE_UTF8_STRING) else {
            return nil
        }
        guard let start = data.utf8_string else { return nil }
        return Array(UnsafeRawBufferPointer(start: start, count: Int(data.data_size)))
    }

    /// The number at `path` of a record; nil when it has none.
    func number(_ record: UInt32, _ path: StaticString...) -> Double? {
        guard let data = value(record, path) else { return nil }
        switch Int32(data.type) {
        case MMDB_DATA_TYPE_DOUBLE: return data.double_value
        case MMDB_DATA_TYPE_FLOAT: return Double(data.float_value)
        case MMDB_DATA_TYPE_UINT16: return Double(data.uint16)
        case MMDB_DATA_TYPE_UINT32: return Double(data.uint32)
        case MMDB_DATA_TYPE_INT32: return Double(data.int32)
        default: return nil
        }
    }

    private func lookUpIPv4(_ address: IPAddress, status: inout Int32) -> MMDB_lookup_result_s {
        var socket = sockaddr_in()
        socket.sin_family = sa_family_t(AF_INET)
        socket.sin_addr.s_addr = UInt32(truncatingIfNeeded: address.low).bigEndian
        return withUnsafeBytes(of: &socket) { bytes in
            MMDB_lookup_sockaddr(handle, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), &status)
        }
    }

    private func lookUpIPv6(_ address: IPAddress, status: inout Int32) -> MMDB_lookup_result_s {
        var socket = sockaddr_in6()
        socket.sin6_family = sa_family_t(AF_INET6)
        withUnsafeMutableBytes(of: &socket.sin6_addr) { bytes in
            bytes.storeBytes(of: address.high.bigEndian, toByteOffset: 0, as: UInt64.self)
            bytes.storeBytes(of: address.low.bigEndian, toByteOffset: 8, as: UInt64.self)
        }
        return withUnsafeBytes(of: &socket) { bytes in
            MMDB_lookup_sockaddr(handle, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), &status)
        }
    }

    private func value(_ record: UInt32, _ path: [StaticString]) -> MMDB_entry_data_s? {
        var entry = MMDB_entry_s(mmdb: handle, offset: record)
        var data = MMDB_entry_data_s()
        let status = withUnsafeTemporaryAllocation(of: UnsafePointer<CChar>?.self, capacity: path.count + 1) {
            keys in
            for (index, key) in path.enumerated() {
                keys[index] = UnsafeRawPointer(key.utf8Start).assumingMemoryBound(to: CChar.self)
            }
            keys[path.count] = nil
            return MMDB_aget_value(&entry, &data, keys.baseAddress)
        }
        return status == MMDB_SUCCESS && data.has_data ? data : nil
    }
}

/// Why a file cannot serve as a database, in libmaxminddb's words.
struct GeoIPDatabaseError: Error, Equatable, CustomStringConvertible {
    let reason: String

    var description: String { reason }
}
