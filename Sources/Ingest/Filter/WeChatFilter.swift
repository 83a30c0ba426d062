import Common

/// Recognises WeChat's browser, mini programs and WeCom by user agent and referrer.
///
/// uap-core has no rule for them, and the Referer names the mini program:
///
///     MicroMessenger/8.0.42(0x18002a2c) NetType/WIFI Language/zh_CN     the app
///     miniProgram  MiniProgramEnv/Windows                               a mini program in it
///     wxwork/4.1.9                                                      WeCom, WeChat for companies
///     https://servicewechat.com/{appid}/{version}/page-frame.html       version 0 is a trial, or under review
///
/// `user_agent.*` stays the answer of uap-core; these are fields of their own.
struct WeChatFilter {
    private let isTrue: Range<Int>
    private let weChat: Range<Int>
    private let weCom: Range<Int>
    private let release: Range<Int>
    private let trial: Range<Int>
    private let devtools: Range<Int>

    init(event: inout Event) {
        isTrue = event.addConstant("true")
        weChat = event.addConstant(#""WeChat""#)
        weCom = event.addConstant(#""WeCom""#)
        release = event.addConstant(#""release""#)
        trial = event.addConstant(#""trial""#)
        devtools = event.addConstant(#""devtools""#)
    }

    /// Sets `wechat.*` if the user agent is WeChat's.
    func apply(userAgent: Range<Int>, referrer: Range<Int>?, line: RawSpan, to event: inout Event) {
        guard let app = line.firstIndex(of: "MicroMessenger/", in: userAgent) else { return }
        set(.wechatAppVersion, line, app + 15..<userAgent.upperBound, &event)
        let isWeCom = line.firstIndex(of: "wxwork/", in: userAgent) != nil
        event.set(.wechatClient, json: isWeCom ? weCom : weChat, in: .arena)
        if let type = line.firstIndex(of: "NetType/", in: userAgent) {
            set(.wechatNetworkType, line, type + 8..<userAgent.upperBound, &event)
        }
        if let language = line.firstIndex(of: "Language/", in: userAgent) {
            set(.wechatLanguage, line, language + 9..<userAgent.upperBound, &event)
        }
        let hasPage = referrer.map { setProgram($0, line, &event) } ?? false
        let isProgram =
            hasPage || line.firstIndex(of: "miniProgram", in: userAgent) != nil
            || line.firstIndex(of: "MiniProgramEnv/", in: userAgent) != nil
        if isProgram { event.set(.wechatMiniProgram, json: isTrue, in: .arena) }
    }

    /// Sets what a mini program's Referer tells; answers whether it is one.
    private func setProgram(_ referrer: Range<Int>, _ line: RawSpan, _ event: inout Event) -> Bool {
        let prefix: StaticString = "https://servicewechat.com/"
        let start = referrer.lowerBound + prefix.utf8CodeUnitCount
        guard start < referrer.upperBound, line.has(prefix, at: referrer.lowerBound),
            let first = line.firstIndex(of: UInt8(ascii: "/"), in: start..<referrer.upperBound),
            first > start,
            let second = line.firstIndex(of: UInt8(ascii: "/"), in: first + 1..<referrer.upperBound)
        else { return false }
        let version = first + 1..<second
        guard !version.isEmpty, line.equals("page-frame.html", second + 1..<referrer.upperBound) else {
            return false
        }
        event.set(.wechatAppID, text: start..<first, in: .line)
        event.set(.wechatVersion, text: version, in: .line)
        let kind = line.equals("0", version) ? trial : line.equals("devtools", version) ? devtools : release
        event.set(.wechatRelease, json: kind, in: .arena)
        return true
    }

    /// Sets a field to the token that starts `range`, up to a blank or a parenthesis.
    private func set(_ field: ECSField, _ line: RawSpan, _ range: Range<Int>, _ event: inout Event) {
        var end = range.lowerBound
        while end < range.upperBound, line[end] > 0x20, line[end] != UInt8(ascii: "("),
            line[end] != UInt8(ascii: ";"), line[end] != UInt8(ascii: ")")
        {
            end += 1
        }
        if end > range.lowerBound { event.set(field, text: range.lowerBound..<end, in: .line) }
    }
}

extension RawSpan {
    /// The offset of the first `text` in `range`.
    @inline(__always)
    func firstIndex(of text: StaticString, in range: Range<Int>) -> Int? {
        let count = text.utf8CodeUnitCount
        var start = range.lowerBound
        while let index = firstIndex(of: text.utf8Start.pointee, in: start..<max(range.upperBound, start)) {
            guard index + count <= range.upperBound else { return nil }
            if equals(text, index..<index + count) { return index }
            start = index + 1
        }
        return nil
    }
}
