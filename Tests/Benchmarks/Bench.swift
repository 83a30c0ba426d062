import Common

@main
enum Bench {
    static func main() {
        print("bench \(Version.current)")
    }
}
