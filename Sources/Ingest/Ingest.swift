import Common

@main
enum Ingest {
    static func main() {
        run()
    }
}

private func run() {
    print("ingest \(Version.current)")
}
