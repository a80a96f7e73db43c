import Domain
import Interchange
import Persistence
import Postgres
import TestSupport
import Testing

@testable import BillingFCGI

/// What `billing describe` says, against what else says the same.
@Suite struct SelfDescriptionTests {
    private static func text(_ value: Value?) -> String {
        if case .text(let text) = value { text } else { "" }
    }

    private static func items(_ value: Value?) -> [Value] {
        if case .list(let items) = value { items } else { [] }
    }

    @Test func theCommandGivesTheDocument() throws {
        let answer = try Installation.run(["describe"], [])
        #expect(answer.status == 0 && answer.errors.isEmpty)
        let document = try Installation.read(answer.output)
        #expect(Self.text(document["version"]) == Version.current)
        #expect(Self.items(document["actions"]).count == Route.table.count)
    }

    /// Nobody wants to read "Example", an empty sentence, or one without a full stop.
    @Test func whatIsSaidIsSaidInSentences() {
        let document = SelfDescription.document
        var rows = Self.items(document["actions"]) + Self.items(document["objects"])
        for row in rows { rows += Self.items(row["fields"]) + Self.items(row["parameters"]) }
        for row in rows {
            let name = Self.text(row["name"]) + Self.text(row["action"])
            let meaning = Self.text(row["meaning"])
            #expect(meaning.count > 4 && meaning.hasSuffix("."), "\(name): '\(meaning)'")
        }
        for list in Self.items(document["enumerations"]) {
            for code in Self.items(list["codes"]) {
                #expect(!Self.text(code["meaning"]).isEmpty, "\(Self.text(list["name"])): \(code)")
            }
        }
    }

    /// docs/failure-codes.md is for those who read the repository; it says what the program says.
    @Test func thePageOfFailureCodesIsEqual() throws {
        let folder = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let page = try #require(readText("/\(folder)/docs/failure-codes.md"))
        let rows = page.split(separator: "\n").filter { $0.hasPrefix("| ") }.dropFirst()
        #expect(
            rows.map(String.init)
                == FailureCode.allCases.map { "| \($0.rawValue) | \($0.status) | \($0.meaning) |" })
        for (letter, meaning) in FailureCode.families {
            #expect(page.contains("**\(letter)** \(meaning)"), "\(letter)")
        }
        for code in FailureCode.allCases {
            #expect(FailureCode.families.contains { code.rawValue.hasPrefix($0.letter) })
        }
    }

    /// Each field of a stored class has its columns in the schema, or is said to have none.
    @Test func theColumnsOfEachFieldExist() throws {
        let installation = try Installation()
        let connection = try Connection(ConnectionSettings(installation.administration))
        defer { connection.close() }
        let columns = try connection.rows(
            Statement(
                "columns_of_schema",
                """
                select c.relname || '.' || a.attname from pg_attribute a join pg_class c on c.oid = a.attrelid
                 where c.relnamespace = 'billing'::regnamespace and c.relkind = 'r' and a.attnum > 0
                """))
        var known: Set<String> = []
        for row in columns { known.insert(row.text(0)) }
        #expect(known.contains("customers.first_name"))
        for object in Self.items(SelfDescription.document["objects"]) where object["table"] != .null {
            for field in Self.items(object["fields"]) {
                let missing = Self.items(field["columns"]).map(Self.text).filter { !known.contains($0) }
                #expect(
                    missing.isEmpty, "\(Self.text(object["name"])).\(Self.text(field["name"])): \(missing)")
            }
        }
    }
}
