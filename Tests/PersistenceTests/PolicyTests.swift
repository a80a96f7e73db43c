import Domain
import Postgres
import Testing

@testable import Persistence

/// Every policy that a merchant account had stays on record, whoever changes it (spec 2.11, 2.12).
struct PolicyTests {
    private let database: BooksDatabase

    init() throws { database = try BooksDatabase() }

    private func script(_ role: String, _ sql: String) throws {
        let connection = try database.connection(role)
        defer { connection.close() }
        try connection.script(sql)
    }

    @Test func eachChangeIsAVersionOfItsOwn() throws {
        // By REST, by the command, by a person with psql; the last three change no policy.
        try script(
            "billing_api", "update merchant_accounts set late_fee_amount = 700 where account_id = 2001")
        try script(
            "billing_owner",
            """
            update merchant_accounts set retry_days = '{2,4}', settlement_time = '09:30' where account_id = 2001;
            update merchant_accounts set name = 'Green Gym' where account_id = 2001;
            update merchant_accounts set late_fee_amount = 700 where account_id = 2001;
            update merchant_accounts set policy_version = 9, clock_at = '2026-02-01 12:00Z' where account_id = 2001
            """)
        try database.books().withStore(reaching: [2001]) { store in
            #expect(try store.account(2001)?.account.policyVersion == 3)
            let fees = try (1...4).map {
                try store.account(2001, policyVersion: $0)?.lateFeeAmount.minorUnits
            }
            #expect(fees == [0, 700, 700, nil])
            let last = try #require(try store.account(2001, policyVersion: 3))
            #expect(last.retryDays == [2, 4] && last.settlementTime == "09:30" && last.policyVersion == 3)
            let first = try #require(try store.account(2001, policyVersion: 1))
            #expect(
                first.retryDays == [3, 5, 7] && first.settlementTime == "17:00" && first.name == "Green Gym")
            #expect(try store.account(2002, policyVersion: 1) == nil, "out of reach")
        }
        #expect(try database.violations() == [])
    }

    @Test func whatIsOnRecordStays() throws {
        let tests = try TransactionStoreTests()
        let ids = try tests.invoice([1])
        for (role, sql, constraint) in [
            (
                "billing_owner", "update account_policies set late_fee_amount = 1",
                "account_policies_append_only"
            ),
            ("billing_owner", "delete from account_policies", "account_policies_append_only"),
            (
                "billing_api", "update transactions set policy_version = 2 where transaction_id = \(ids[0])",
                "transactions_policy_version_unchanged"
            ),
            ("billing_api", "delete from account_policies", nil as String?),
            ("billing_jobs", "insert into account_policies select * from account_policies", nil),
        ] {
            let connection = try tests.database.connection(role)
            defer { connection.close() }
            do {
                try connection.script(sql)
                Issue.record("\(role) may: \(sql)")
            } catch let failure {
                // Without a constraint: no privilege.
                #expect(failure.constraint == constraint, "\(sql): \(failure)")
                #expect(constraint != nil || failure.sqlState == "42501", "\(sql): \(failure)")
            }
        }
        #expect(try tests.database.violations() == [])
    }
}
