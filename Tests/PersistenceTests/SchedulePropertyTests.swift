import Postgres
import Testing

@testable import Domain
@testable import Persistence

/// Random agreements, adjusted at random by the real actions while the run comes by now and then: what is billed is what a plain
/// reading of spec 5.1 and 5.7 says, and what ~preview said.
@Suite struct SchedulePropertyTests {
    /// Changed to look elsewhere; a failure prints it with the subscription's number.
    static let seed: UInt64 = 20_270_315
    static let subscriptions = 60
    static let start = CalendarDate("2027-01-01")!
    /// Until here there are adjustments; from here on none, so that previews must come true.
    static let calm = CalendarDate("2028-03-01")!
    static let horizon = CalendarDate("2029-06-30")!
    static let actor = Actor(name: "api-test", requestID: "r")

    /// Days taken out by a freeze or pause.
    private struct Gap {
        let from: CalendarDate
        var to: CalendarDate
        let isFreeze: Bool
        /// Whether ~resume ended it.
        var isOver = false
    }

    /// What was agreed with one customer, and the days that were taken out of it: the oracle.
    private struct Agreement {
        let id: Int64
        let cycle: BillingCycle
        let first: CalendarDate
        let length: Int?
        var gaps: [Gap] = []
        var cancelledFrom: CalendarDate?

        func date(_ number: Int) -> CalendarDate { cycle.date(of: number, from: first) }

        /// `3 2027-03-31 5000`: every invoice until the horizon, by counting.
        func invoices(freezeFee: Int64) -> [String] {
            var lines: [String] = []
            var payments = 0
            var number = 1
            while date(number) <= SchedulePropertyTests.horizon, payments != length ?? -1 {
                let date = date(number)
                if let cancelledFrom, date >= cancelledFrom { break }
                let gap = gaps.first { $0.from <= date && date <= $0.to }
                if gap == nil {
                    payments += 1
                    lines.append("\(number) \(date) 5000")
                } else if gap?.isFreeze == true, freezeFee > 0 {
                    lines.append("\(number) \(date) \(freezeFee)")
                }
                number += 1
            }
            return lines
        }
    }

    @Test(arguments: [Int64(0), 700])
    func billsWhatIsAgreedAndForeseen(freezeFee: Int64) throws {
        print("seed \(Self.seed), freezeRecurringFee \(freezeFee)")
        var numbers = DrawnNumbers(state: Self.seed &+ UInt64(freezeFee))
        let database = try BooksDatabase()
        let owner = try database.connection("billing_owner")
        defer { owner.close() }
        let books = database.books()
        var agreements = try draw(&numbers, owner, freezeFee)

        var today = Self.start
        while today < Self.calm {
            try setClock(today, owner)
            // Half of the days the run does not come by.
            if Bool.random(using: &numbers) { try run(books) }
            for index in agreements.indices where Int.random(in: 0..<12, using: &numbers) == 0 {
                try adjust(&agreements[index], on: today, books, &numbers)
            }
            today = today.adding(days: Int.random(in: 1...9, using: &numbers))
        }
        try setClock(Self.calm, owner)
        try run(books)
        let foreseen = try agreements.map { try preview($0, books) }
        today = Self.calm
        while today < Self.horizon {
            today = min(Self.horizon, today.adding(days: Int.random(in: 1...90, using: &numbers)))
            try setClock(today, owner)
            try run(books)
        }

        var adjusted = 0
        for (agreement, foreseen) in zip(agreements, foreseen) {
            let made = try invoices(agreement, owner)
            #expect(
                made == agreement.invoices(freezeFee: freezeFee), "subscription \(agreement.id), \(agreement)"
            )
            let later = made.filter { $0.split(separator: " ")[1] > Self.calm.description }
            #expect(foreseen == later, "preview of subscription \(agreement.id), \(agreement)")
            adjusted += agreement.gaps.count + (agreement.cancelledFrom == nil ? 0 : 1)
        }
        #expect(adjusted > Self.subscriptions, "the drawing adjusts too little to show anything")
        #expect(try database.violations() == [])
    }

    private func draw(
        _ numbers: inout DrawnNumbers, _ owner: Connection, _ freezeFee: Int64
    ) throws -> [Agreement] {
        try owner.script(
            """
            update subscriptions set status = 'N', next_billing_date = null;
            insert into subscription_adjustments (account_id, customer_id, subscription_id, type, effective_date, creator_code,
                   state, create_date)
            select account_id, customer_id, subscription_id, 'C', '2026-01-01', 'api-x', 'effective', now() from subscriptions;
            update merchant_accounts set freeze_recurring_fee = \(freezeFee)
            """)
        return try (0..<Self.subscriptions).map { index in
            let units: [CycleUnit] = [.monthly, .monthly, .monthly, .weekly, .quarterly]
            let agreement = Agreement(
                id: Int64(3000 + index),
                cycle: BillingCycle(
                    units.randomElement(using: &numbers)!, every: .random(in: 1...2, using: &numbers)),
                first: Self.start.adding(days: .random(in: 0...120, using: &numbers)),
                length: Bool.random(using: &numbers) ? nil : .random(in: 1...20, using: &numbers))
            try owner.script(
                """
                insert into subscriptions (account_id, subscription_id, customer_id, billing_cycle_type, billing_interval, amount,
                       first_billing_date, next_billing_date, length, create_date)
                values (2001, \(agreement.id), \(index % 4 + 1), '\(agreement.cycle.unit.rawValue)', \(agreement.cycle.interval),
                        5000, '\(agreement.first)', '\(agreement.first)', \(agreement.length.map(String.init) ?? "null"), now())
                """)
            return agreement
        }
    }

    private func setClock(_ day: CalendarDate, _ owner: Connection) throws {
        try owner.script("update merchant_accounts set clock_at = '\(day) 17:00Z' where account_id = 2001")
    }

    private func run(_ books: PostgresBooks) throws {
        func once(_ isAdjusting: Bool) throws -> Bool {
            try books.withStore(reaching: [2001]) { store in
                guard let state = try store.account(2001) else { return false }
                let today = state.moment.businessDate
                let due =
                    isAdjusting
                    ? try store.dueAdjustments(account: 2001, through: today, limit: 7)
                    : try store.dueSubscriptions(account: 2001, through: today, limit: 7)
                return try BillSubscriptions(account: state.account, moment: state.moment)
                    .execute(due, in: store).subscriptions > 0
            }
        }
        while try once(true) {}
        while try once(false) {}
    }

    /// One random action; the oracle notes what it took out, unless it was refused.
    private func adjust(
        _ agreement: inout Agreement, on today: CalendarDate, _ books: PostgresBooks,
        _ numbers: inout DrawnNumbers
    ) throws {
        let ahead = agreement.cycle.firstNumber(onOrAfter: today, from: agreement.first)
        // Whether today's bill is made already depends on whether the run has come by: not foreseen here.
        if agreement.date(ahead) == today { return }
        let kind = Int.random(in: 0..<8, using: &numbers)
        let later = today.adding(days: [0, 0, 20, 70].randomElement(using: &numbers)!)
        let number = ahead + Int.random(in: 0...3, using: &numbers)
        let length = Int.random(in: 1...4, using: &numbers)
        let (customer, id) = ((agreement.id - 3000) % 4 + 1, agreement.id)
        do {
            try books.withStore(reaching: [2001]) { store in
                let state = try #require(try store.lockedCustomer(.id(customer)))
                switch kind {
                case 0..<3:
                    _ = try FreezeSubscription(
                        effectiveDate: agreement.date(number), length: length, note: nil
                    ).execute(.id(id), state, in: store, by: Self.actor)
                case 3, 4:
                    _ = try PauseSubscription(effectiveDate: later, note: nil)
                        .execute(.id(id), state, in: store, by: Self.actor)
                case 5, 6:
                    _ = try ResumeSubscription(note: nil)
                        .execute(.id(id), state, in: store, by: Self.actor)
                default:
                    _ = try CancelSubscription(effectiveDate: later, note: nil)
                        .execute(.id(id), state, in: store, by: Self.actor)
                }
            }
        } catch is Refusal { return }
        switch kind {
        case 0..<3:
            agreement.gaps.append(
                Gap(from: agreement.date(number), to: agreement.date(number + length - 1), isFreeze: true))
        case 3, 4: agreement.gaps.append(Gap(from: later, to: .latest, isFreeze: false))
        case 5, 6:
            // What is in force ends today; else what is to come is taken back. A freeze lasts to the day before the next bill.
            func isInForce(_ gap: Gap) -> Bool {
                let next =
                    gap.isFreeze
                    ? agreement.date(
                        agreement.cycle.firstNumber(onOrAfter: gap.to.adding(days: 1), from: agreement.first))
                    : .latest
                return gap.from <= today && today < next && !gap.isOver
            }
            if let index = agreement.gaps.lastIndex(where: isInForce) {
                agreement.gaps[index].to = min(agreement.gaps[index].to, today)
                agreement.gaps[index].isOver = true
            } else if let index = agreement.gaps.lastIndex(where: { $0.from > today }) {
                agreement.gaps.remove(at: index)
            } else if let day = agreement.cancelledFrom, day > today {
                agreement.cancelledFrom = nil
            } else {
                Issue.record("subscription \(id) was resumed on \(today) from nothing: \(agreement)")
            }
        default: agreement.cancelledFrom = later
        }
    }

    /// What ~preview foresees until the horizon, as lines like those of the invoices.
    private func preview(_ agreement: Agreement, _ books: PostgresBooks) throws -> [String] {
        try books.withStore(reaching: [2001]) { store in
            let customer = try #require(
                try store.customer(.id((agreement.id - 3000) % 4 + 1), complete: false))
            let subscription = try #require(
                try store.subscription(of: customer.id, account: 2001, .id(agreement.id)))
            return try PreviewSubscription(count: 120).execute(subscription, of: customer, in: store)
                .filter { $0.status == .planned && $0.charge.billingDate <= Self.horizon }
                .map { "\($0.charge.cycleNumber) \($0.charge.billingDate) \($0.charge.amount.minorUnits)" }
        }
    }

    private func invoices(_ agreement: Agreement, _ owner: Connection) throws -> [String] {
        try owner.rows(
            Statement(
                "invoices",
                """
                select cycle_number || ' ' || due_date || ' ' || amount
                  from transactions where subscription_id = $1 and type = 'RI' order by cycle_number
                """), [.int(agreement.id)]
        ).map { $0.text(0) }
    }
}

/// SplitMix64: the same numbers for the same seed on every machine.
struct DrawnNumbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
