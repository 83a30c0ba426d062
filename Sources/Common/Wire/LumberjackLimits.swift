/// What a Lumberjack server believes and buffers, per connection.
package struct LumberjackLimits: Equatable, Sendable {
    /// Most events in one window.
    ///
    /// Beats send 2,048 to 3,200; go-lumber's server refuses more than 10,000.
    package var windowEvents = 20_000
    /// Most bytes in one J, D or C frame: room for a joined event of 10 MiB with its escapes.
    package var frameBytes = 16 << 20
    /// Most bytes that one C frame inflates to.
    package var inflatedBytes = 64 << 20
    /// Most inflated bytes per compressed byte, once a C frame inflates to more than `frameBytes`.
    ///
    /// Real windows lie between 5 and 60. One event may be a long run of a single byte, which zlib packs
    /// 1,030-fold, and refusing it would stop its sender for ever: so any one event of the allowed size passes,
    /// and only whole windows of nothing are refused.
    package var inflatedRatio = 400

    package init() {}

    var inflate: InflateLimits {
        InflateLimits(maxBytes: inflatedBytes, maxRatio: inflatedRatio, ratioFloorBytes: frameBytes)
    }
}
