import Common

@main
enum APMServer {
    static func main() {
        run()
    }
}

private func run() {
    print("apm-server \(Version.current)")
}
