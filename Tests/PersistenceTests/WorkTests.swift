import Domain
import Postgres
import Testing

@testable import Persistence

/// Whether anything is due, in one question: it must not say no where a step of the billing run would find something.
@Suite struct WorkTests {
    private struct Undone: Error {}

    private let database: BooksDatabase
    private let doctor: Connection
    /// The clock of account 2001 in these tests.
    private let today: CalendarDate

    init() throws {
        database = try BooksDatabase()
        doctor = try database.connection("postgres")
        today = try #require(CalendarDate(year: 2026, month: 2, day: 1))
        try doctor.script(FilledBooks.few)
        try doctor.script(FilledBooks.many)
        try plant(
            """
            update subscriptions set next_billing_date = '2099-01-01' where next_billing_date is not null;
            update collections set collect_on = '2099-01-01' where state = 'due';
            update attempts set next_look_up = clock_timestamp() + interval '5 minutes' where outcome = 'open';
            update merchant_accounts set clock_at = '2026-02-01 17:00Z' where account_id = 2001
            """)
    }

    /// Changes rows without the rules that keep them together.
    private func plant(_ sql: String) throws {
        doctor.begin()
        try doctor.script("set local session_replication_role = replica; \(sql)")
        try doctor.commit()
    }

    /// What the question says, and which steps find something.
    private func look(all: Bool = false) throws -> (hasWork: Bool, steps: Set<String>) {
        var found: (Bool, Set<String>) = (false, [])
        do {
            try database.books().withStore(reaching: [2001]) { store in
                let state = try #require(try store.account(2001))
                let today = state.moment.businessDate
                found.0 = try store.hasWork(account: 2001, all: all)
                let aside =
                    "select count(*) from subscriptions where account_id = 2001 and set_aside_reason is not null"
                let before = try store.connection.rows(Statement("aside.before", aside))[0].int(0)
                try store.takeUpAgain(account: 2001, all: all)
                if try store.connection.rows(Statement("aside.after", aside))[0].int(0) < before {
                    found.1.insert("set aside")
                }
                if try !store.dueAdjustments(account: 2001, through: today, limit: 9).isEmpty {
                    found.1.insert("adjustments")
                }
                let ahead = today.adding(days: state.account.invoiceLeadDays)
                if try !store.dueSubscriptions(account: 2001, through: ahead, limit: 9).isEmpty {
                    found.1.insert("charges")
                }
                if try !store.dueCollections(account: 2001, through: today, limit: 9).isEmpty {
                    found.1.insert("collections")
                }
                if try !store.attemptsToLookUp(account: 2001, limit: 9, early: false).isEmpty {
                    found.1.insert("outcomes")
                }
                throw Undone()
            }
        } catch is Undone {}
        return found
    }

    private func expect(
        _ steps: Set<String>, all: Bool = false, at location: SourceLocation = #_sourceLocation
    ) throws {
        let found = try look(all: all)
        #expect(found.steps == steps, sourceLocation: location)
        #expect(found.hasWork == !steps.isEmpty, "\(steps)", sourceLocation: location)
    }

    @Test func nothingIsDue() throws { try expect([]) }

    @Test func aChargeIsDue() throws {
        try plant("update subscriptions set next_billing_date = '2026-02-01' where subscription_id = 201")
        try expect(["charges"])
        try plant("update subscriptions set next_billing_date = '2026-02-02' where subscription_id = 201")
        try expect([])
        try plant("update merchant_accounts set invoice_lead_days = 1 where account_id = 2001")
        try expect(["charges"])
    }

    @Test func anAdjustmentIsDue() throws {
        try plant("update merchant_accounts set clock_at = '2026-02-10 17:00Z' where account_id = 2001")
        try expect(["adjustments"])
    }

    @Test(arguments: ["open", "paid", "inactive"]) func anInvoiceIsToBeCollected(kind: String) throws {
        try plant("update collections set collect_on = '2026-02-01' where invoice_id = 71")
        switch kind {
        case "paid":
            try plant(
                "delete from open_items where transaction_id = 71; update customers set balance = 0 where customer_id = 4"
            )
            try expect(["collections"])
        case "inactive":
            try plant("update customers set status = 'I' where customer_id = 4")
            try expect([])
        default: try expect(["collections"])
        }
    }

    @Test func anOutcomeIsToBeAskedFor() throws {
        try plant("update attempts set next_look_up = clock_timestamp() where transaction_id = 13")
        try expect(["outcomes"])
        try plant(
            "update attempts set next_look_up = clock_timestamp() + interval '1 day' where transaction_id = 13"
        )
        try expect(["outcomes"])
    }

    @Test func aSubscriptionIsToBeTakenUpAgain() throws {
        try plant(
            """
            update subscriptions set set_aside_reason = 'x', set_aside_at = clock_timestamp(), set_aside_times = 1,
                   set_aside_until = clock_timestamp() + interval '1 minute'
             where subscription_id = 201
            """)
        try expect([])
        try expect(["set aside"], all: true)
        try plant("update subscriptions set set_aside_until = clock_timestamp() where subscription_id = 201")
        try expect(["set aside"])
    }
}
