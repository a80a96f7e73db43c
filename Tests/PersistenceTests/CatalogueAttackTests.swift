import Postgres
import Testing

@testable import Persistence

/// Each table and column, attacked as the roles of the program and as the owner (spec 5.3): what is not refused leaves sound books.
@Suite struct CatalogueAttackTests {
    /// What the owner of the tables is bound by as well: the books themselves, which triggers guard.
    static let guarded = """
        ^(transactions|ledger_entries|allocations|open_items|attempts|transaction_codes|audit_log|processor_notices|\
        subscription_adjustments)$
        """

    private struct Outcome {
        let place: String
        let sql: String
        let result: String
    }

    private static func attack(
        as role: String, tables: String, in database: BooksDatabase
    ) throws -> [Outcome] {
        let doctor = try database.connection("postgres")
        defer { doctor.close() }
        try doctor.script(CatalogueAttacks.making)
        let attacks = try doctor.rows(
            Statement(
                "attacks", "select distinct place, sql from pg_temp.attacks($1, $2) order by place, sql"),
            [.text(role), .text(tables)]
        ).map { (place: $0.text(0), sql: $0.text(1)) }
        let attacker = try database.connection(role)
        defer { attacker.close() }
        try attacker.script("set jit = off; select set_config('billing.accounts', '2001,2002', false)")
        try attacker.script(CatalogueAttacks.trying)
        let attack = Statement(
            "attack",
            "select pg_temp.attack(a.sql) from unnest($1) with ordinality a (sql, n) order by a.n")
        // A few at a time: a statement has a limit.
        var outcomes: [Outcome] = []
        for start in stride(from: 0, to: attacks.count, by: 200) {
            let part = attacks[start..<min(start + 200, attacks.count)]
            let results = try attacker.rows(attack, [.texts(part.map(\.sql))]).map { $0.text(0) }
            outcomes += zip(part, results).map { Outcome(place: $0.place, sql: $0.sql, result: $1) }
        }
        return outcomes
    }

    @Test(arguments: ["billing_api", "billing_jobs", "billing_owner"])
    func breaksNothing(role: String) throws {
        let database = try BooksDatabase()
        let owner = try database.connection("billing_owner")
        try owner.script(FilledBooks.few)
        try owner.script(FilledBooks.many)
        #expect(try database.violations() == [])
        let outcomes = try Self.attack(
            as: role, tables: role == "billing_owner" ? Self.guarded : ".", in: database)
        for outcome in outcomes where outcome.result != "sound" && !outcome.result.hasPrefix("refused") {
            Issue.record("\(role), \(outcome.place): \(outcome.result)\n\(outcome.sql)")
        }
        // Attacks that fail for their own fault would show nothing.
        let refused = outcomes.filter { $0.result.hasPrefix("refused") }
        let clumsy = refused.filter { $0.result.hasPrefix("refused 42") && $0.result != "refused 42501" }
        #expect(clumsy.map(\.sql) == [])
        #expect(outcomes.count > 500 && outcomes.count - refused.count > 20)
        print("\(role): \(outcomes.count) attacks, \(refused.count) refused")
        #expect(try database.violations() == [])
    }
}
