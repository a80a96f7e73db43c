import Testing

/// Each rule on files with planted faults: it finds them, with file and line, and nothing else.
@Suite struct PlantedTests {
    private func file(_ path: String, _ lines: String...) -> SourceFile {
        SourceFile(path: path, text: lines.joined(separator: "\n") + "\n")
    }

    private func places(_ violations: [Violation]) -> [String] {
        violations.map { "\($0.file):\($0.line)" }
    }

    @Test func `an import against the arrows`() {
        let found = Rules.imports([
            file(
                "Sources/Domain/A.swift", "/// import Glibc", "let text = \"import Glibc\"", "",
                "import Glibc"),
            file("Sources/Vault/B.swift", "internal import Domain", "public import struct Postgres.Row"),
            file("Sources/Pool/C.swift", "import Glibc; import Domain", "@testable import Vault"),
            file("Sources/Attic/D.swift", "import Domain"),
            file("Tests/VaultTests/E.swift", "import Postgres"),
            file("Sources/Interchange/F.swift", "public import Domain", "import CXML // import Glibc"),
        ])
        #expect(
            places(found) == [
                "Sources/Domain/A.swift:4", "Sources/Vault/B.swift:2", "Sources/Pool/C.swift:1",
                "Sources/Pool/C.swift:2", "Sources/Attic/D.swift:1",
            ])
    }

    @Test func `Foundation and Dispatch`() {
        let found = Rules.foundation([
            file("Sources/Vault/A.swift", "import Foundation"),
            file("Tests/VaultTests/B.swift", "", "import FoundationEssentials"),
            file("Sources/Pool/C.swift", "import Glibc", "import class Dispatch.DispatchQueue"),
            file("docs/D.md", "import Foundation"),
        ])
        #expect(
            places(found) == [
                "Sources/Vault/A.swift:1", "Tests/VaultTests/B.swift:2", "Sources/Pool/C.swift:2",
            ])
    }

    @Test func `code beside a module map`() {
        let found = Rules.systemLibraries([
            file("Sources/CXML/module.modulemap", ""), file("Sources/CXML/shim.h", ""),
            file("Sources/CXML/more.c", ""), file("Sources/Pool/C.swift", ""),
        ])
        #expect(places(found) == ["Sources/CXML/more.c:1"])
    }

    @Test func `names outside their rooms`() {
        let found = Rules.names([
            file("Sources/Pool/HTTP/A.swift", "// FCGX_Accept_r", "FCGX_Accept_r(&request)"),
            file("Sources/Pool/FastCGI/B.swift", "FCGX_Accept_r(&request)", "let child = fork()"),
            file("Sources/Pool/Process/C.swift", "posix_spawn(&child)", "sigaction(1, nil, nil)"),
            file("Sources/Vault/D.swift", "var pointer: OpaquePointer?", "PQexec(link, text)", "PQR.read()"),
            file("Sources/Postgres/E.swift", "var pointer: OpaquePointer?", "PQexec(link, PGRES_OK)"),
            file(
                "Sources/Domain/F.swift", "func f() async {", "/* await */ let asynchronous = 1",
                "_ = await g()"),
            file("Sources/Domain/G.swift", "let text = \"fork() \\(await g()) async\""),
            file("Tests/Support/H.swift", "posix_spawn(&child)"),
        ])
        #expect(
            places(found) == [
                "Sources/Pool/HTTP/A.swift:2", "Sources/Pool/FastCGI/B.swift:2", "Sources/Vault/D.swift:1",
                "Sources/Vault/D.swift:2", "Sources/Domain/F.swift:1", "Sources/Domain/F.swift:3",
                "Sources/Domain/G.swift:1",
            ])
    }

    @Test func `SQL outside its rooms`() {
        let found = Rules.sql([
            file(
                "Sources/BillingFCGI/A.swift", "f(", "    \"\"\"", "    select 1", "      from t",
                "    \"\"\")"),
            file("Sources/Domain/B.swift", "let a = \"INSERT INTO t\"", "let b = \"update t set a = 1\""),
            file(
                "Sources/Domain/C.swift", "let a = \"delete from t\"", "// select 1 from t", "select(from: 1)"
            ),
            file("Sources/Domain/D.swift", "let a = \"select one\"", "let b = \"from a to b\""),
            file("Sources/Persistence/E.swift", "let a = \"select 1 from t\""),
        ])
        #expect(
            places(found) == [
                "Sources/BillingFCGI/A.swift:2", "Sources/Domain/B.swift:1", "Sources/Domain/B.swift:2",
                "Sources/Domain/C.swift:1",
            ])
    }

    @Test func `an existence that may be answered by reading all`() {
        let found = Rules.existence([
            file(
                "Sources/Persistence/Stores/A.swift", "let a = \"\"\"", "  select exists (select from t",
                "  where not exists (select f(x) from u offset 0) offset 0)", "  or exists (select from v)",
                "  \"\"\""),
            file("Sources/Persistence/B.swift", "let a = \"exists (select from t)\""),
        ])
        #expect(places(found) == ["Sources/Persistence/Stores/A.swift:4"])
    }

    @Test func `a long file`() {
        func lines(_ count: Int) -> String { String(repeating: "\n", count: count) }
        let found = Rules.length([
            SourceFile(path: "Sources/A.swift", text: lines(Rules.mostLines)),
            SourceFile(path: "Tests/B.swift", text: lines(Rules.mostLines + 1)),
            SourceFile(path: "docs/C.md", text: lines(Rules.mostLines + 1)),
        ])
        #expect(places(found) == ["Tests/B.swift:451"])
    }

    @Test func `words that mark unfinished work`() {
        for phrase in Rules.unfinished {
            let text = phrase.joined(separator: " ")
            let found = Rules.unfinishedWork([
                file("docs/A.md", "well", "// \(text.uppercased()): more"),
                file("Scripts/b", "# a \(text)!"), file("Sources/C.swift", "a\(text)b"),
            ])
            #expect(places(found) == ["docs/A.md:2", "Scripts/b:1"], "\(text)")
        }
    }

    @Test func `paths of a machine`() {
        for home in Rules.homes {
            let found = Rules.machinePaths([
                file("Makefile", "a", "cd \(home)ada/billing"), file("deploy/b", "--home-dir /nonexistent"),
            ])
            #expect(places(found) == ["Makefile:2"])
        }
    }

    @Test func `migrations with a gap or a wrong name`() {
        let folder = "Sources/Persistence/Migrations"
        func check(_ names: String...) -> [String] {
            places(Tables.migrations(names.map { file("\(folder)/\($0)", "select 1;") }))
        }
        #expect(check("0001_a.sql", "0002_b.sql").isEmpty)
        #expect(check() == ["\(folder)/:1"])
        #expect(check("0001_a.sql", "0003_b.sql") == ["\(folder)/0003_b.sql:1"])
        #expect(check("0001_a.sql", "0001_b.sql") == ["\(folder)/0001_b.sql:1"])
        #expect(check("0001_a.sql", "0002_b.sql.old") == ["\(folder)/0002_b.sql.old:1"])
        #expect(check("1_a.sql") == ["\(folder)/1_a.sql:1"])
    }

    @Test func `a test target without a test`() {
        let package = file(
            "Package.swift", ".testTarget(name: \"ATests\"),", ".testTarget(", "    name: \"BTests\"),")
        let files = [
            file("Tests/ATests/A.swift", "@Test func a() {}"), file("Tests/BTests/B.swift", "// @Test"),
        ]
        #expect(places(Tables.testTargets(package: package, files)) == ["Package.swift:2"])
        #expect(places(Tables.testTargets(package: file("Package.swift", ""), files)) == ["Package.swift:1"])
    }

    @Test func `names in a document of what is not there`() {
        let files = [
            file("Sources/Vault/A.swift", ""),
            file("Sources/Persistence/Migrations/0001_a.sql", "constraint a_key check"),
        ]
        let document = file(
            "ARCHITECTURE.md",
            "`Sources/Vault/` `Sources/Vault/A.swift` `Sources/Vault` `a_key` a_lock `.run/a_b`",
            "a `Sources/Vault/B.swift`", "`a_lock` is not", "`Sources/Vau`")
        #expect(
            places(Tables.namesInDocument(document, files))
                == ["ARCHITECTURE.md:2", "ARCHITECTURE.md:3", "ARCHITECTURE.md:4"])
    }

    @Test func `failure codes that disagree`() {
        func check(_ cases: [String], _ arms: [String], _ rows: [String]) -> [String] {
            places(
                Tables.failureCodes(
                    cases: SourceFile(
                        path: "cases",
                        text: (["public enum FailureCode: String {"] + cases + ["}"]).joined(separator: "\n")),
                    statuses: SourceFile(
                        path: "statuses",
                        text: (["extension FailureCode {"] + arms + ["}"]).joined(separator: "\n")),
                    documentation: SourceFile(path: "docs", text: rows.joined(separator: "\n"))))
        }
        let (one, two) = ("    case one = \"V01\"", "    case two = \"V02\"")
        let arms = ["        case .one,", "            .two: 422"]
        let rows = ["| code | status | when |", "|---|---|---|", "| V01 | 422 | a |", "| V02 | 422 | b |"]
        #expect(check([one, two], arms, rows).isEmpty)
        #expect(
            check([one, two, "    case three = \"V02\""], arms + ["case .three: 422"], rows) == [
                "cases:4", "statuses:4",
            ])
        #expect(check([one, two], ["        case .one: 422"], rows) == ["cases:3"])
        #expect(check([one, two], arms, Array(rows.dropLast())) == ["cases:3"])
        #expect(check([one, two], arms, rows.dropLast() + ["| V02 | 404 | b |"]) == ["docs:4"])
        #expect(check([one, two], arms, rows + ["| V03 | 422 | c |"]) == ["docs:5"])
        #expect(check([one, two], arms, rows + ["| V01 | 422 | a |"]) == ["docs:5"])
        #expect(check([one], ["        case .one, .lost: 422"], Array(rows[..<3])) == ["statuses:2"])
        #expect(check([], [], []) == ["cases:1"])
    }

    @Test func `code and literals are told apart`() {
        let text = SwiftText(
            file(
                "A.swift", "a /* b /* c */ d */ e // f", "g(\"h \\(i(\"j\")) k \\\" l\") m",
                "#\"n \\(o) \"p\\#(q)\"# r",
                "\"\"\"", "s \"t\" \\", "u", "\"\"\" v"))
        let code = text.code.map { $0.filter { !$0.isWhitespace } }
        #expect(code == ["ae", "g(i()) m".filter { $0 != " " }, "qr", "", "", "", "v", ""])
        let literals = text.literals.map { $0.text.filter { !$0.isWhitespace } }
        #expect(literals == ["j", "hkl", "n\\(o)\"p", "s\"t\"u"])
        #expect(text.literals.map(\.line) == [2, 2, 3, 4])
    }
}
