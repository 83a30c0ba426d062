import Common
import Testing

@testable import Ingest

@Suite("Tracebacks of Python")
struct TracebackTests {
    private static let frames = """
        Traceback (most recent call last):
          File "/srv/app/shop.py", line 11, in boom
            d={}; return d['missing']
                         ~^^^^^^^^^^^

        """

    private struct Parts: Equatable {
        let stack: String
        let type: String?
        let message: String?
    }

    private func parts(_ text: String) -> Parts? {
        let bytes = Array(text.utf8)
        let span = bytes.span.bytes
        return Traceback(span, 0..<bytes.count).map { found in
            Parts(
                stack: span.text(found.stack),
                type: found.type.map { span.text($0) },
                message: found.message.map { span.text($0) }
            )
        }
    }

    private func key(_ text: String) throws -> UInt64 {
        let bytes = Array(text.utf8)
        let found = Traceback(bytes.span.bytes, 0..<bytes.count)
        return try #require(found).groupingKey
    }

    @Test(
        "give type and message of the exception that nobody caught",
        arguments: [
            ("KeyError: 'missing'", "KeyError", "'missing'"),
            ("KeyError: 'missing'\n\n", "KeyError", "'missing'"),
            ("KeyboardInterrupt", "KeyboardInterrupt", nil),
            ("django.core.exceptions.PermissionDenied: no", "django.core.exceptions.PermissionDenied", "no"),
            (
                "RuntimeError: bad amount\nsecond line of message", "RuntimeError",
                "bad amount\nsecond line of message"
            ),
            ("ValueError: a: b", "ValueError", "a: b"), ("Größe: ü", "Größe", "ü"),
            ("ValueError:", "ValueError", nil),
            ("  [Previous line repeated 996 more times]\nRecursionError: deep", "RecursionError", "deep"),
            ("not an exception", nil, nil), ("", nil, nil),
        ] as [(String, String?, String?)]
    )
    func last(_ end: String, type: String?, message: String?) throws {
        let found = try #require(parts("Exception on /boom\n" + Self.frames + end))
        #expect(found.type == type)
        #expect(found.message == message)
        #expect(found.stack.hasPrefix("Traceback (most recent call last):\n"))
        #expect(!found.stack.hasSuffix("\n"))
    }

    @Test("of a chain the last, of an exception group the group")
    func chains() throws {
        let chain =
            Self.frames
            + "ValueError: first\n\nDuring handling of the above exception, another exception occurred:\n\n"
            + Self.frames + "RuntimeError: second"
        #expect(parts(chain) == Parts(stack: chain, type: "RuntimeError", message: "second"))
        let group = """
              + Exception Group Traceback (most recent call last):
              |   File "/srv/app/g.py", line 3, in main
              |     raise ExceptionGroup("several", [ValueError(1)])
              | ExceptionGroup: several (1 sub-exception)
              +-+---------------- 1 ----------------
                | Traceback (most recent call last):
                |   File "/srv/app/g.py", line 2, in one
                | ValueError: 1
                +------------------------------------
            """
        let found = try #require(parts(group))
        #expect(found.type == "ExceptionGroup")
        #expect(found.message == "several (1 sub-exception)")
    }

    @Test(
        "other texts have none",
        arguments: [
            "", "Traceback", "he wrote Traceback (most recent call last): into a log",
            "Traceback (most recent call last): and more", "Traceback (most recent call first):",
        ]
    )
    func none(_ text: String) { #expect(parts(text) == nil) }

    @Test("equal exceptions have equal keys, others have not")
    func keys() throws {
        let key = try key(Self.frames + "KeyError: 'missing'")
        let frames = Self.frames
        for same in [
            frames + "KeyError: 'other'", frames.replacingOccurrences("line 11", "line 12") + "KeyError",
            "[2026] ERROR in app\n" + frames + "KeyError: 1",
        ] {
            #expect(try self.key(same) == key)
        }
        for other in [
            frames + "IndexError: 'missing'", frames.replacingOccurrences("in boom", "in bang") + "KeyError",
            frames.replacingOccurrences("shop.py", "cart.py") + "KeyError",
        ] {
            #expect(try self.key(other) != key)
        }
        // Addresses differ from process to process.
        let address = frames.replacingOccurrences("in boom", "in <Job at 0x7f00aB12>") + "KeyError"
        #expect(
            try self.key(address)
                == self.key(frames.replacingOccurrences("in boom", "in <Job at 0x1>") + "KeyError")
        )
    }
}

extension String {
    fileprivate func replacingOccurrences(_ text: String, _ other: String) -> String {
        replacing(text, with: other)
    }
}
