import Testing

@testable import Shipper

@Suite struct WindowSizeTests {
    @Test("slow start: ten events, and half as many more with each ack")
    func slowStart() {
        var size = WindowSize(limit: 100, slowStart: true)
        var sizes = [size.events]
        while size.events < 100 {
            size.acknowledged(size.events)
            sizes.append(size.events)
        }
        #expect(sizes == [10, 15, 22, 33, 49, 73, 100])
        size.failed(1)
        #expect(size.events == 50)
        for _ in 0..<9 { size.failed(1) }
        #expect(size.events == 10)
    }

    @Test("without it all windows are large, until one fails again")
    func failures() {
        var size = WindowSize(limit: 2048, slowStart: false)
        #expect(size.events == 2048)
        size.failed(1)
        #expect(size.events == 2048)
        let sizes = (2...8).map { failures -> Int in
            size.failed(failures)
            return size.events
        }
        #expect(sizes == [1024, 512, 256, 128, 64, 64, 64])
        // The sealed windows, still large, come first, then those of the new size.
        let grown = [2048, 2048, 64, 96, 144, 216, 324, 486, 729, 1093].map { count -> Int in
            size.acknowledged(count)
            return size.events
        }
        #expect(grown == [96, 144, 144, 216, 324, 486, 729, 1093, 1639, 2048])
    }

    @Test("a trickle proves nothing about large windows")
    func trickle() {
        var size = WindowSize(limit: 1000, slowStart: true)
        for _ in 0..<50 { size.acknowledged(4) }
        #expect(size.events == 10)
        size.acknowledged(5)
        #expect(size.events == 15)
    }

    @Test("a limit below the smallest size stays the limit", arguments: [true, false])
    func smallLimit(slowStart: Bool) {
        var size = WindowSize(limit: 3, slowStart: slowStart)
        #expect(size.events == 3)
        for failures in 1...5 { size.failed(failures) }
        #expect(size.events == 3)
        size.acknowledged(3)
        #expect(size.events == 3)
    }
}
