import Glibc
import Postgres
import TestSupport
import Testing

@testable import Domain
@testable import Persistence

/// ~preview shows what the billing run then makes, if nothing changes (spec 1.4, 2.10): random agreements of customers who have several,
/// adjusted at random, with credits, fees, debts and options of all kinds; the run itself, over PostgreSQL, is the oracle.
@Suite struct PreviewPropertyTests {
    /// `BILLING_SEED` repeats another one.
    static let seed = getenv("BILLING_SEED").flatMap { UInt64(String(cString: $0)) } ?? 20_271_103
    static let subscriptions = 180
    static let customers = 45
    static let start = CalendarDate("2027-01-01")!
    /// Until here there are adjustments; from here on nothing changes, so that previews must come true.
    static let calm = CalendarDate("2027-04-15")!
    static let horizon = CalendarDate("2027-10-31")!
    static let actor = Actor(name: "api-test", requestID: "r")

    /// A policy under which previews must come true.
    struct Policy: CustomTestStringConvertible {
        let name: String
        let set: String
        var testDescription: String { name }
    }
    static let policies = [
        Policy(
            name: "fees",
            set: "enrollment_fee = 300, freeze_flat_fee = 200, cancellation_fee = 500, soft_decline_fee = 9"),
        Policy(
            name: "made ahead, frozen for a fee",
            set: """
                invoice_lead_days = 6, freeze_recurring_fee = 700, freeze_flat_fee = 150, balancing_algorithm = 'IF',
                enrollment_fee = 250
                """),
        Policy(
            name: "ageing",
            set:
                "late_fee_amount = 400, late_fee_grace_days = 9, write_off_days = 45, cancellation_fee = 100, retry_fee = 5"
        ),
    ]

    @Test(arguments: policies)
    func theRunDoesWhatWasForeseen(policy: Policy) throws {
        print("BILLING_SEED=\(Self.seed) \(policy.name)")
        var numbers = DrawnNumbers(state: Self.seed &+ UInt64(policy.set.utf8.count))
        let database = try BooksDatabase()
        let owner = try database.connection("billing_owner")
        defer { owner.close() }
        let books = database.books()
        let agreements = try draw(&numbers, owner, policy)
        var today = Self.start
        while today < Self.calm {
            try setClock(today, owner)
            if Bool.random(using: &numbers) { try run(books) }
            for id in agreements where Int.random(in: 0..<40, using: &numbers) == 0 {
                try adjust(id, on: today, books, &numbers)
            }
            today = today.adding(days: Int.random(in: 1...9, using: &numbers))
        }
        try setClock(Self.calm, owner)
        try run(books)
        try record(books, &numbers)
        let foreseen = try agreements.map { try preview($0, books) }

        let due = Statement("due", Self.due)
        today = Self.calm
        while today < Self.horizon {
            today = today.adding(days: 1)
            if try owner.rows(due, [.date(today.daysSince1970)])[0].bool(0) {
                try setClock(today, owner)
                try run(books)
            }
        }
        let made = try Dictionary(grouping: self.made(owner)) { $0.subscription }
        var (planned, skipped, behindCredit) = (0, 0, 0)
        for (id, foreseen) in zip(agreements, foreseen) {
            let actual = (made[id] ?? []).map(\.line)
            let expected = foreseen.filter { $0.status != .skipped && $0.charge.amount > .zero }
            planned += expected.count
            behindCredit += expected.count { $0.expectedCollection != $0.charge.amount }
            #expect(expected.map(line) == actual, "seed \(Self.seed), \(policy.name), subscription \(id)")
            let billed = Set((made[id] ?? []).map(\.cycle))
            for charge in foreseen where charge.status == .skipped {
                skipped += 1
                #expect(!billed.contains(charge.charge.cycleNumber), "subscription \(id): \(charge)")
            }
        }
        print(
            "\(agreements.count) subscriptions, \(planned) charges foreseen, \(behindCredit) of them not at their own amount, \(skipped) skipped"
        )
        #expect(planned > 250 && skipped > 40 && behindCredit > 50, "the drawing shows too little")
        #expect(try database.violations() == [])
    }

    // MARK: What there is

    private func draw(
        _ numbers: inout DrawnNumbers, _ owner: Connection, _ policy: Policy
    ) throws -> [Int64] {
        // Each tenth customer has nothing on file, each tenth an option that ended, each fifth two.
        try owner.script(
            """
            update merchant_accounts set \(policy.set) where account_id = 2001;
            update subscriptions set status = 'N', next_billing_date = null;
            insert into subscription_adjustments (account_id, customer_id, subscription_id, type, effective_date, creator_code,
                   state, create_date)
            select account_id, customer_id, subscription_id, 'C', '2026-01-01', 'api-x', 'effective', now() from subscriptions;
            insert into customers (account_id, customer_id, first_name, last_name, create_date)
            select 2001, n, 'First', 'Last', now() from generate_series(3000, \(2999 + Self.customers)) n;
            insert into payment_options (account_id, payment_option_id, customer_id, type, account_mask, accessory_shown,
                   holder_name, token_code, is_default, is_active, create_date)
            select 2001, n * 10 + k, n, case when n % 7 = 0 then 'BC' else 'VC' end, '4***********1111',
                   case when n % 7 = 0 then '*****0021' else '1239' end, 'A Holder',
                   'token-' || md5((n * 10 + k)::text), k = 0, not (k = 0 and n % 10 = 2), now()
              from generate_series(3000, \(2999 + Self.customers)) n, generate_series(0, 1) k
             where n % 10 <> 1 and (k = 0 or n % 5 in (0, 2));
            insert into vault_entries (account_id, payment_option_id, sealed, fingerprint)
            select account_id, payment_option_id, '\\x01', '\\x02' from payment_options where payment_option_id >= 30000
            """)
        let units: [CycleUnit] = [
            .monthly, .monthly, .monthly, .weekly, .quarterly, .semiannually, .annually,
        ]
        return try (0..<Self.subscriptions).map { index in
            let (id, customer) = (Int64(5000 + index), 3000 + index % Self.customers)
            let unit = units.randomElement(using: &numbers)!
            let first = Self.start.adding(days: .random(in: 0...200, using: &numbers))
            let amount = [0, 999, 2500, 5000, 9900].randomElement(using: &numbers)!
            let length = Bool.random(using: &numbers) ? "null" : "\(Int.random(in: 1...14, using: &numbers))"
            let option =
                customer % 5 == 0 || customer % 10 == 2
                ? (Bool.random(using: &numbers) ? "\(customer * 10 + 1)" : "null") : "null"
            try owner.script(
                """
                insert into subscriptions (account_id, subscription_id, customer_id, billing_cycle_type, billing_interval, amount,
                       tax_amount, first_billing_date, next_billing_date, length, payment_option_id, create_date)
                values (2001, \(id), \(customer), '\(unit.rawValue)', \(Int.random(in: 1...2, using: &numbers)), \(amount),
                        \(amount / 7), '\(first)', '\(first)', \(length), \(option), now())
                """)
            return id
        }
    }

    private func customer(_ subscription: Int64) -> Int64 {
        3000 + (subscription - 5000) % Int64(Self.customers)
    }

    private func adjust(
        _ id: Int64, on today: CalendarDate, _ books: PostgresBooks, _ numbers: inout DrawnNumbers
    ) throws {
        let kind = Int.random(in: 0..<8, using: &numbers)
        let later = today.adding(days: [0, 10, 40, 90, 160].randomElement(using: &numbers)!)
        let (ahead, length) = (Int.random(in: 0...3, using: &numbers), Int.random(in: 1...4, using: &numbers))
        do {
            try books.withStore(reaching: [2001]) { store in
                let state = try #require(try store.lockedCustomer(.id(customer(id))))
                switch kind {
                case 0..<4:
                    let found = try store.subscription(of: Identifier(customer(id)), account: 2001, .id(id))
                    let terms = try #require(found).terms
                    let number =
                        terms.cycle.firstNumber(onOrAfter: today, from: terms.firstBillingDate) + ahead
                    _ = try FreezeSubscription(
                        effectiveDate: terms.cycle.date(of: number, from: terms.firstBillingDate),
                        length: length, note: nil
                    ).execute(.id(id), state, in: store, by: Self.actor)
                case 4, 5:
                    _ = try PauseSubscription(effectiveDate: later, note: nil)
                        .execute(.id(id), state, in: store, by: Self.actor)
                case 6:
                    _ = try ResumeSubscription(note: nil).execute(.id(id), state, in: store, by: Self.actor)
                default:
                    _ = try CancelSubscription(effectiveDate: later, note: nil)
                        .execute(.id(id), state, in: store, by: Self.actor)
                }
            }
        } catch is Refusal { return }
    }

    /// Credits, some of them for a subscription, fees and debts: what callers record just before the previews.
    private func record(_ books: PostgresBooks, _ numbers: inout DrawnNumbers) throws {
        for number in 0..<Self.customers where number % 3 != 0 {
            for _ in 0..<Int.random(in: 1...3, using: &numbers) {
                var form = TransactionForm()
                form.type = [.credit, .payment, .payment, .serviceFee, .accessFee, .invoice].randomElement(
                    using: &numbers)!
                form.accountType = form.type == .payment ? .cash : nil
                form.amount = Money(.random(in: 50...12_000, using: &numbers))
                if form.type == .payment, Bool.random(using: &numbers) {
                    let place = Int.random(in: 0...2, using: &numbers) * Self.customers + number
                    form.subscription = .id(Int64(5000 + place))
                }
                try books.withStore(reaching: [2001]) { store in
                    let state = try #require(try store.lockedCustomer(.id(Int64(3000 + number))))
                    _ = try RecordTransaction(form).execute(state, in: store, by: Self.actor)
                }
            }
        }
    }

    // MARK: What is foreseen, and what was made

    private func preview(_ id: Int64, _ books: PostgresBooks) throws -> [PlannedCharge] {
        try books.withStore(reaching: [2001]) { store in
            let customer = try #require(try store.customer(.id(customer(id)), complete: false))
            let subscription = try #require(
                try store.subscription(of: customer.id, account: 2001, .id(id)))
            return try PreviewSubscription(count: 50).execute(subscription, of: customer, in: store)
                .filter { $0.charge.billingDate <= Self.horizon }
        }
    }

    /// `3 2027-03-31 F 5000 714 4286 31000`: cycle, date, kind, amount, tax, what is collected, with which option.
    private func line(_ planned: PlannedCharge) -> String {
        let charge = planned.charge
        let option = planned.expectedCollection > .zero ? planned.paymentOptionID.map { "\($0)" } ?? "?" : "-"
        return
            "\(charge.cycleNumber) \(charge.billingDate) \(charge.kind.rawValue) \(charge.amount.minorUnits) \(charge.taxAmount.minorUnits) \(planned.expectedCollection.minorUnits) \(option)"
    }

    private struct Made {
        let subscription: Int64
        let cycle: Int
        let line: String
    }

    /// The invoices after the calm's begin, as lines like those of the previews.
    private func made(_ owner: Connection) throws -> [Made] {
        try owner.rows(
            Statement(
                "made",
                """
                select t.subscription_id, t.cycle_number::bigint,
                       concat_ws(' ', t.cycle_number, t.due_date,
                         case when t.adjustment_id is not null then 'Z' when s.length is null then 'P' else 'F' end,
                         t.amount, t.tax_amount, coalesce(p.amount, 0), coalesce(p.option::text, '-'))
                  from transactions t
                  join subscriptions s on s.account_id = t.account_id and s.subscription_id = t.subscription_id
                  left join lateral (
                       select sum(k.amount) as amount, min(k.payment_option_id) as option
                         from attempts k
                        where k.account_id = t.account_id and k.invoice_id = t.transaction_id
                          and k.business_date > '\(Self.calm)') p on true
                 where t.account_id = 2001 and t.type = 'RI' and t.cycle_number is not null and t.due_date > '\(Self.calm)'
                   and t.due_date <= '\(Self.horizon)'
                 order by t.subscription_id, t.cycle_number
                """), []
        ).map { Made(subscription: $0.int(0), cycle: Int($0.int(1)), line: $0.text(2)) }
    }

    // MARK: The run

    private func setClock(_ day: CalendarDate, _ owner: Connection) throws {
        try owner.script("update merchant_accounts set clock_at = '\(day) 17:00Z' where account_id = 2001")
    }

    private func run(_ books: PostgresBooks) throws {
        let run = RunBilling(
            account: 2001, books: books, processor: Approving(), vault: OpenVault(), isTrouble: { _ in true })
        #expect(try run.execute().setAside == [])
        if try run.hasAgeing() { #expect(try run.age().setAside == []) }
    }

    /// Whether anything happens by a day: other days need no pass.
    private static let due = """
        select exists (select from subscriptions s join merchant_accounts a on a.account_id = s.account_id
                        where s.account_id = 2001 and s.next_billing_date <= $1 + a.invoice_lead_days)
            or exists (select from subscription_adjustments where account_id = 2001 and due_on <= $1)
            or exists (select from collections where account_id = 2001 and collect_on <= $1)
            or exists (select from open_items o
                         join transactions t on t.account_id = o.account_id and t.transaction_id = o.transaction_id
                         join merchant_accounts a on a.account_id = o.account_id
                        where o.account_id = 2001 and t.type = 'RI'
                          and (a.late_fee_amount > 0 and t.due_date + a.late_fee_grace_days = $1
                               or a.write_off_days > 0 and t.due_date + a.write_off_days = $1))
        """
}

/// A processor at which nothing is declined.
private struct Approving: Processor {
    var name: String { "sandbox" }

    func submit(_ orders: [ProcessorOrder]) -> [ProcessorAnswer] {
        orders.map { order in
            .answered(
                ProcessorResponse(
                    code: "A01", message: "approved", approvalCode: "1", gatewayTransactionID: order.key,
                    approvedAmount: order.amount, date: order.now))
        }
    }

    func lookUp(account: Int64, keys: [String]) -> [ProcessorFinding] { keys.map { _ in .unreachable } }
    func withdraw(account: Int64, keys: [String]) -> [ProcessorFinding] { keys.map { _ in .unreachable } }
    func notices(account: Int64, through: CalendarDate, limit: Int) -> [ProcessorNotice]? { [] }
    func acknowledge(account: Int64, notices: [Int64]) -> Bool { true }
}

/// Every option is the same test card.
private final class OpenVault: NumberVault {
    func newKey(for account: Int64) throws -> [UInt8] { [1] }
    func seal(_ numbers: AccountNumbers, account: Int64, option: Int64, key: [UInt8]) throws -> [UInt8] {
        [1]
    }
    func open(_ sealed: [UInt8], account: Int64, option: Int64, key: [UInt8]) throws -> AccountNumbers {
        AccountNumbers(number: "4111111111111111", accessory: "1239")
    }
    func fingerprint(of number: String, account: Int64, key: [UInt8]) throws -> [UInt8] { [2] }
    func newToken() throws -> String { "token-of-a-test-option" }
}
