import Domain
import Postgres
import Testing

@testable import Persistence

/// What the jobs process asks each second: which merchant accounts have something due. The second before a local midnight the
/// answer is another one than at midnight (spec 5.1), in every zone; and a machine whose clock was set back forgets nothing.
struct MidnightTests {
    /// A local day and the instant at which it begins.
    private static let days = [
        ("UTC", "2026-02-01", "2026-02-01 00:00Z"),
        ("America/New_York", "2026-03-08", "2026-03-08 05:00Z"),
        ("America/New_York", "2026-03-09", "2026-03-09 04:00Z"),
        ("America/New_York", "2026-11-01", "2026-11-01 04:00Z"),
        ("America/New_York", "2026-11-02", "2026-11-02 05:00Z"),
        ("Europe/London", "2026-03-29", "2026-03-29 00:00Z"),
        ("Europe/London", "2026-03-30", "2026-03-29 23:00Z"),
        ("Europe/London", "2025-10-26", "2025-10-25 23:00Z"),
        ("Europe/London", "2025-10-27", "2025-10-27 00:00Z"),
        ("Asia/Kathmandu", "2026-02-01", "2026-01-31 18:15Z"),
        ("Australia/Lord_Howe", "2026-04-05", "2026-04-04 13:00Z"),
        ("Australia/Lord_Howe", "2026-04-06", "2026-04-05 13:30Z"),
        ("Australia/Lord_Howe", "2025-10-05", "2025-10-04 13:30Z"),
        ("Australia/Lord_Howe", "2025-10-06", "2025-10-05 13:00Z"),
        ("Pacific/Kiritimati", "2026-02-01", "2026-01-31 10:00Z"),
        ("Pacific/Pago_Pago", "2026-02-01", "2026-02-01 11:00Z"),
        ("America/St_Johns", "2026-03-08", "2026-03-08 03:30Z"),
        ("America/St_Johns", "2026-03-09", "2026-03-09 02:30Z"),
        ("Africa/Cairo", "2026-04-24", "2026-04-23 22:00Z"),
        ("Africa/Cairo", "2025-10-31", "2025-10-30 22:00Z"),
        ("Atlantic/Azores", "2026-03-29", "2026-03-29 01:00Z"),
        ("Atlantic/Azores", "2025-10-26", "2025-10-26 00:00Z"),
        ("America/Havana", "2026-03-08", "2026-03-08 05:00Z"),
        ("America/Havana", "2025-11-02", "2025-11-02 04:00Z"),
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04 03:00Z"),
        ("America/Sao_Paulo", "2018-02-18", "2018-02-18 03:00Z"),
        ("Pacific/Apia", "2011-12-31", "2011-12-30 10:00Z"),
    ]

    /// What is due on a day, as SQL in which the day stands as `$`: bills, invoices made ahead, adjustments, attempts to collect,
    /// the rounds of notices and of late fees.
    private static let occasions = [
        "update subscriptions set next_billing_date = '$' where subscription_id = 201",
        """
        update merchant_accounts set invoice_lead_days = 5 where account_id = 2001;
        update subscriptions set next_billing_date = date '$' + 5 where subscription_id = 201
        """,
        """
        insert into subscription_adjustments (account_id, customer_id, subscription_id, type, effective_date, due_on, creator_code,
               create_date)
        values (2001, 1, 201, 'P', '$', '$', 'api-test', now())
        """,
        """
        insert into attempts (account_id, transaction_id, customer_id, kind, amount, account_type, account_mask, accessory_shown,
               holder_name, due_date, business_date, create_date, next_look_up)
        values (2001, 999, 1, 'payment', 100, 'VC', '4***1111', '1233', 'A', '$', '$', now(), now() + interval '5 minutes');
        insert into account_rounds (account_id, notices_through, next_notices)
        values (2001, (select business_date(a) from merchant_accounts a where account_id = 2001), now() + interval '4 minutes')
        """,
        """
        update merchant_accounts set late_fee_amount = 100 where account_id = 2001;
        insert into account_rounds (account_id, ageing_through)
        select account_id, business_date(a) from merchant_accounts a where account_id = 2001
        """,
    ]

    @Test func `what is due on a day is due from its midnight on, and not a second earlier`() throws {
        let database = try BooksDatabase()
        let administrator = try database.connection("postgres")
        defer { administrator.close() }
        let store = OperatorStore(administrator)
        try administrator.script(
            "set session_replication_role = replica; update subscriptions set next_billing_date = null")
        for (zone, day, begins) in Self.days {
            for occasion in Self.occasions {
                try administrator.script(
                    """
                    begin;
                    update merchant_accounts
                       set time_zone = '\(zone)', clock_at = timestamptz '\(begins)' - interval '1 second'
                     where account_id = 2001;
                    \(occasion.split(separator: "$", omittingEmptySubsequences: false).joined(separator: day))
                    """)
                for (seconds, isDue) in [(-1, false), (0, true), (3_600, true)] {
                    try administrator.script(
                        """
                        update merchant_accounts set clock_at = timestamptz '\(begins)' + interval '\(seconds) seconds'
                         where account_id = 2001
                        """)
                    let waiting = try store.accountsWithWork().map(\.account)
                    #expect(waiting == (isDue ? [2001] : []), "\(zone) \(day) \(seconds): \(occasion)")
                }
                try administrator.script("rollback")
            }
        }
    }

    /// Rows of a time that is still to come, as they stand there after the machine's clock was set back by a week.
    @Test func `a clock that was set back holds nothing up`() throws {
        let database = try BooksDatabase()
        let administrator = try database.connection("postgres")
        defer { administrator.close() }
        let store = OperatorStore(administrator)
        try administrator.script(
            """
            set session_replication_role = replica;
            update subscriptions set next_billing_date = null;
            update merchant_accounts set clock_at = null, time_zone = 'UTC', late_fee_amount = 0 where account_id = 2001
            """)
        #expect(try store.accountsWithWork().isEmpty)
        let later = "now() + interval '7 days'"
        let attempt = """
            insert into attempts (account_id, transaction_id, customer_id, kind, amount, account_type, account_mask, accessory_shown,
                   holder_name, due_date, business_date, create_date, next_look_up, outcome)
            values (2001, 999, 1, 'payment', 100, 'VC', '4***1111', '1233', 'A', current_date, current_date, now(), \(later), 'open');
            """
        let rounds: [(name: String, sql: String, isDue: Bool)] = [
            (
                "an unknown outcome waits ten minutes at most",
                attempt
                    + "insert into account_rounds values (2001, current_date, now() + interval '4 minutes', null, 0)",
                true
            ),
            (
                "an unknown outcome that waits for its time",
                attempt
                    + "update attempts set next_look_up = now() + interval '9 minutes';"
                    + "insert into account_rounds values (2001, current_date, now() + interval '4 minutes', null, 0)",
                false
            ),
            (
                "notices are asked for every five minutes",
                attempt
                    + "update attempts set next_look_up = now() + interval '9 minutes';"
                    + "insert into account_rounds values (2001, current_date, \(later), null, 0)",
                true
            ),
            (
                "late fees on each date",
                """
                update merchant_accounts set late_fee_amount = 100 where account_id = 2001;
                insert into account_rounds values (2001, null, null, current_date + 7, 0)
                """, true
            ),
            (
                "late fees of the date are done",
                """
                update merchant_accounts set late_fee_amount = 100 where account_id = 2001;
                insert into account_rounds values (2001, null, null, current_date, 0)
                """, false
            ),
        ]
        for (name, sql, isDue) in rounds {
            try administrator.script("begin; \(sql)")
            #expect(try store.accountsWithWork().map(\.account) == (isDue ? [2001] : []), "\(name)")
            if isDue {
                // What is reported as due is taken, so that it is not reported for ever.
                let books = PostgresStore(administrator, reaching: [2001])
                let today = try #require(try store.account(2001)).moment.businessDate
                _ = try books.attemptsToLookUp(account: 2001, limit: 10, early: false)
                _ = try books.takeNoticeRound(account: 2001, on: today)
                if try books.agedSoFar(account: 2001, on: today) != nil {
                    try books.noteAged(account: 2001, upTo: nil, on: today)
                }
                #expect(try store.accountsWithWork().isEmpty, "\(name)")
            }
            try administrator.script("rollback")
        }
        // A process that has died cannot seem alive until its time has come.
        try administrator.script(
            """
            insert into jobs_processes (process_id, host, pid, heartbeat_at)
            values ('6e0b6d0e-8d0c-4d0e-9d59-0f6f5b3f4a11', 'old', 1, \(later))
            """)
        #expect(try store.secondsSinceHeartbeat() == nil)
        try store.forgetSilentProcesses(seconds: 3_600)
        #expect(try administrator.rows(Statement("left", "select 1 from jobs_processes")).isEmpty)
    }

    /// A round of late fees that was interrupted goes on where it was on its own date, and begins anew on any other.
    @Test func `a round is of one date`() throws {
        let database = try BooksDatabase()
        let books = database.books()
        defer { books.close() }
        func store<Result>(_ body: (any Store) throws -> Result) throws -> Result {
            try books.transaction(reaching: [2001], body)
        }
        try store { try $0.noteAged(account: 2001, upTo: 3, on: january) }
        let steps: [(date: CalendarDate, goesOnAfter: Int64?)] = [
            (january, 3), (january.adding(days: 1), 0), (january.adding(days: -1), 0), (january, 3),
        ]
        for (date, after) in steps {
            #expect(try store { try $0.agedSoFar(account: 2001, on: date) } == after, "\(date)")
        }
        try store { try $0.noteAged(account: 2001, upTo: nil, on: january) }
        #expect(try store { try $0.agedSoFar(account: 2001, on: january) } == nil)
        for days in [-365, -7, -1, 1, 7] {
            #expect(
                try store { try $0.agedSoFar(account: 2001, on: january.adding(days: days)) } == 0, "\(days)")
        }
    }
}
