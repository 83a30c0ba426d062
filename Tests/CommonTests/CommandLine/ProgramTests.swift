import Common
import Testing

@Suite("Program")
struct ProgramTests {
    private let program = Program(
        name: "ingest",
        summary: "parses lines and stores documents",
        defaultConfigurationPath: "/etc/ingest/ingest.yml",
        options: [.init("once", nil, "end when done"), .init("limit", "N", "stop after N")],
        commands: [
            .check,
            .init(
                "parse",
                "print documents",
                options: [.init("pipeline", "NAME", "the pipeline")],
                argumentsPlaceholder: "[FILE...]"
            ),
        ]
    )

    private func invocation(_ change: (inout Invocation) -> Void) -> Program.Request {
        var invocation = Invocation(configurationPath: "/etc/ingest/ingest.yml")
        change(&invocation)
        return .run(invocation)
    }

    @Test("understands commands, options and switches")
    func understands() {
        #expect(program.parse([]) == invocation { _ in })
        #expect(
            program.parse(["--config", "x.yml", "--set", "a=1", "--set=b=2", "--once"])
                == invocation {
                    $0.configurationPath = "x.yml"
                    $0.isConfigurationChosen = true
                    $0.overrides = ["a=1", "b=2"]
                    $0.switches = ["once"]
                }
        )
        #expect(program.parse(["check"]) == invocation { $0.command = "check" })
        #expect(
            program.parse(["parse", "--pipeline=p", "a.log", "--", "--b"])
                == invocation {
                    $0.command = "parse"
                    $0.options = ["pipeline": "p"]
                    $0.arguments = ["a.log", "--b"]
                }
        )
        #expect(
            program.parse(["-c", "y.yml", "check"])
                == invocation {
                    $0.command = "check"
                    $0.configurationPath = "y.yml"
                    $0.isConfigurationChosen = true
                }
        )
    }

    @Test(
        "refuses with a hint and exit code 2",
        arguments: [
            (["--confg", "x"], "there is no option --confg (did you mean \"--config\"?)", "ingest"),
            (["--zzzzzz"], "there is no option --zzzzzz", "ingest"),
            (["-x"], "there is no option -x", "ingest"),
            (["--config"], "--config wants a value: --config FILE", "ingest"),
            (["--config="], "--config has an empty value", "ingest"),
            (["--config", "a", "--config", "b"], "--config is given twice", "ingest"),
            (["--once=yes"], "--once takes no value", "ingest"),
            (["chekc"], "there is no command \"chekc\" (did you mean \"check\"?)", "ingest"),
            (["check", "more"], "\"more\" is one word too many", "ingest check"),
            (
                ["--pipeline", "x"], "--pipeline belongs to the command \"parse\"; write it after that word",
                "ingest"
            ),
            (["check", "--once"], "there is no option --once", "ingest check"),
        ] as [([String], String, String)]
    )
    func refuses(words: [String], message: String, help: String) {
        let expected = Program.Request.answer(
            text: "ingest: \(message)\nTry \"\(help) --help\".\n",
            exitCode: 2
        )
        #expect(program.parse(words) == expected)
    }

    @Test("prints version and help")
    func texts() {
        #expect(program.parse(["--version"]) == .answer(text: "ingest \(Version.current)\n", exitCode: 0))
        #expect(
            program.parse(["--help"])
                == .answer(
                    text: """
                        ingest \(Version.current): parses lines and stores documents

                        Usage:
                          ingest [options]
                          ingest check [options]
                          ingest parse [options] [FILE...]

                        Options:
                          --once           end when done
                          --limit N        stop after N
                          --config FILE    read the configuration from FILE
                          --set KEY=VALUE  set one key of the configuration, such as logging.level=debug; repeatable
                          --version        print the version and end
                          --help           print this help and end

                        Commands:
                          check  read the configuration, say what is wrong with it, and end
                          parse  print documents
                          ingest COMMAND --help says more about one of them.

                        Configuration: /etc/ingest/ingest.yml unless --config says otherwise.
                        Exit codes: 0 success, 1 failure while running, 2 wrong command line or configuration.

                        """,
                    exitCode: 0
                )
        )
        guard case .answer(let text, 0) = program.parse(["parse", "-h"]) else {
            Issue.record("help of a command is an answer")
            return
        }
        #expect(
            text.hasPrefix("ingest parse: print documents\n\nUsage:\n  ingest parse [options] [FILE...]\n")
        )
        #expect(text.contains("  --pipeline NAME  the pipeline\n"))
    }

    @Test("an absent default file is an empty configuration, a chosen one an error")
    func files() throws {
        var invocation = Invocation(configurationPath: "/nonexistent/ingest.yml")
        invocation.overrides = ["a=1"]
        let reader = try invocation.configuration(environment: [:])
        #expect(reader.int("a", default: 0) == 1 && reader.required("b") == "")
        let missing = #expect(throws: ConfigurationError.self) { try reader.finish() }
        #expect(missing?.description == "/nonexistent/ingest.yml (no such file): b: missing; set it")
        invocation.isConfigurationChosen = true
        let error = #expect(throws: ConfigurationError.self) {
            try invocation.configuration(environment: [:])
        }
        #expect(
            error?.description.hasPrefix("/nonexistent/ingest.yml: the configuration cannot be read") == true
        )
    }
}
