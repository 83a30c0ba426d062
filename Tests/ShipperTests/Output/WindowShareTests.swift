import Common
import Testing

@testable import Shipper

@Suite struct WindowShareTests {
    @Test("equals take turns")
    func turns() {
        var share = WindowShare(connections: 3)
        let order = (0..<6).map { _ in share.next { _ in 0 } }
        #expect(order == [0, 1, 2, 0, 1, 2])
    }

    @Test(
        "the one with the fewest windows is next; one that takes none is left out",
        arguments: [
            ([0, 1, 1], 0), ([2, 1, 2], 1), ([nil, 1, 0], 2), ([nil, nil, 5], 2), ([nil, nil, nil], nil),
            ([], nil),
        ] as [([Int?], Int?)]
    )
    func load(_ loads: [Int?], expected: Int?) {
        var share = WindowShare(connections: loads.count)
        let next = share.next { loads[$0] }
        #expect(next == expected)
    }

    @Test("one that was away is next when it is back")
    func back() {
        var share = WindowShare(connections: 2)
        let alone = (0..<3).map { _ in share.next { $0 == 0 ? 0 : nil } }
        let together = (0..<2).map { _ in share.next { _ in 0 } }
        #expect(alone == [0, 0, 0])
        #expect(together == [1, 0])
    }

    @Test(
        "addresses are tried from another one on at each turn, those of the other family last",
        arguments: [
            (["10.0.0.1", "10.0.0.2", "10.0.0.3"], 1, ["10.0.0.2", "10.0.0.3", "10.0.0.1"]),
            (["10.0.0.1", "10.0.0.2"], 4, ["10.0.0.1", "10.0.0.2"]),
            (["::1", "127.0.0.1", "::2"], 1, ["::2", "::1", "127.0.0.1"]),
            (["127.0.0.1", "::1"], 5, ["127.0.0.1", "::1"]), ([], 3, []),
        ] as [([String], Int, [String])]
    )
    func addresses(_ names: [String], turn: Int, expected: [String]) throws {
        let addresses = try names.flatMap { try Socket.resolve($0, port: 5044) }
        #expect(AddressOrder.rotated(addresses, turn: turn).map(\.host) == expected)
    }
}
