import Common

@main
enum Shipper {
    static func main() {
        run()
    }
}

private func run() {
    print("shipper \(Version.current)")
}
