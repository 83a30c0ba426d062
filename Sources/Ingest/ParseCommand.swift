enum ParseCommand { static func run(pipeline: String, configuration: Configuration) -> Int32 { 0 } }
