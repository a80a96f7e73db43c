import Testing

@testable import Domain

/// Oracle: spec 5.1, 5.2 step 2, 5.7, and the contract's scenarios 1, 3, 4 and 15.
struct ScheduleTests {
    private func terms(_ unit: CycleUnit = .monthly, first: String = "2027-01-31", length: Int? = nil)
        -> SubscriptionTerms
    {
        SubscriptionTerms(
            cycle: BillingCycle(unit), amount: Money(4999), taxAmount: Money(399),
            firstBillingDate: day(first), length: length)
    }

    private func course(_ terms: SubscriptionTerms, _ adjustments: SubscriptionAdjustment...) throws
        -> SubscriptionCourse
    {
        Schedule.settled(
            SubscriptionCourse(
                terms: terms, progress: SubscriptionProgress(beginningOn: terms.firstBillingDate),
                adjustments: adjustments), under: try policy())
    }

    private func policy(_ change: (inout MerchantAccount) -> Void = { _ in }) throws -> MerchantAccount {
        var account = try accountState(on: "2027-01-01").account
        change(&account)
        return account
    }

    /// What happened, as lines: `F3 2027-03-31 4999`, `begin F1`, `end F1`.
    private func lines(_ steps: [ScheduleStep]) -> [String] {
        steps.map { step in
            switch step {
            case .charge(let charge):
                "\(charge.kind.rawValue)\(charge.cycleNumber) \(charge.billingDate) \(charge.amount.minorUnits)"
            case .begin(let adjustment): "begin \(adjustment.kind.rawValue)\(adjustment.id)"
            case .end(let adjustment): "end \(adjustment.kind.rawValue)\(adjustment.id)"
            }
        }
    }

    @Test func `a fixed subscription of twelve is billed on its twelve dates and then no more`() throws {
        let terms = terms(length: 12)
        let (after, steps) = Schedule.advance(
            try course(terms), under: try policy(), through: day("2030-01-01"))
        let dates = [
            "2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30", "2027-05-31", "2027-06-30",
            "2027-07-31", "2027-08-31", "2027-09-30", "2027-10-31", "2027-11-30", "2027-12-31",
        ]
        #expect(lines(steps) == dates.enumerated().map { "F\($0 + 1) \($1) 4999" })
        #expect(after.progress.status == .current)
        #expect(after.progress.nextBillingDate == nil)
        #expect(after.progress.billedCount == 12)
        #expect(after.progress.lastBillingDate == day("2027-12-31"))
        #expect(Schedule.next(in: after, under: try policy(), through: day("9999-12-31")) == nil)
    }

    @Test func `a perpetual subscription goes on, from unbilled to current with its first charge`() throws {
        let terms = terms(.annually, first: "2028-02-29")
        let policy = try policy()
        var course = try course(terms)
        #expect(course.progress.status == .unbilled)
        for number in 1...200 {
            let date = terms.cycle.date(of: number, from: terms.firstBillingDate)
            #expect(
                Schedule.next(in: course, under: policy, through: date.adding(days: -1)) == nil)
            let step = try #require(Schedule.next(in: course, under: policy, through: date))
            #expect(lines([step]) == ["P\(number) \(date) 4999"])
            course = Schedule.after(step, in: course, under: policy)
            #expect(course.progress.status == .current)
        }
        #expect(course.progress.nextBillingDate == day("2228-02-29"))
    }

    /// Each row: adjustments, policy, how far, and all that happens, in order; then the status and the next billing date.
    private struct Row {
        let name: String
        var length: Int?
        var adjustments: [SubscriptionAdjustment] = []
        var change: (inout MerchantAccount) -> Void = { _ in }
        let through: String
        let lines: [String]
        let status: Subscription.Status
        let next: String?
        var billing = true
    }

    @Test func `each cycle gets its own treatment, however late the run`() throws {
        let threeMonths = freeze(1, "2027-03-31", to: "2027-05-31", 3)
        let rows = [
            Row(
                name: "scenario 3, until the last skipped cycle", length: 12, adjustments: [threeMonths],
                through: "2027-05-31", lines: ["F1 2027-01-31 4999", "F2 2027-02-28 4999", "begin F1"],
                status: .frozen, next: "2027-06-30"),
            Row(
                name: "scenario 3, the day before the next bill", length: 12, adjustments: [threeMonths],
                through: "2027-06-29", lines: ["F1 2027-01-31 4999", "F2 2027-02-28 4999", "begin F1"],
                status: .frozen, next: "2027-06-30"),
            Row(
                name: "scenario 3, billed again", length: 3, adjustments: [threeMonths],
                through: "2028-04-30",
                lines: [
                    "F1 2027-01-31 4999", "F2 2027-02-28 4999", "begin F1", "end F1", "F6 2027-06-30 4999",
                ], status: .current, next: nil),
            Row(
                name: "paid freeze", length: 3, adjustments: [threeMonths],
                change: { $0.freezeRecurringFee = Money(500) }, through: "2028-04-30",
                lines: [
                    "F1 2027-01-31 4999", "F2 2027-02-28 4999", "begin F1", "Z3 2027-03-31 500",
                    "Z4 2027-04-30 500", "Z5 2027-05-31 500", "end F1", "F6 2027-06-30 4999",
                ], status: .current, next: nil),
            Row(
                name: "frozen before the first bill",
                adjustments: [freeze(1, "2027-01-31", to: "2027-02-28", 2)],
                through: "2027-03-31", lines: ["begin F1", "end F1", "P3 2027-03-31 4999"], status: .current,
                next: "2027-04-30"),
            Row(
                name: "two freezes, one behind the other",
                adjustments: [
                    freeze(1, "2027-02-28", to: "2027-02-28", 1),
                    freeze(2, "2027-03-31", to: "2027-03-31", 1),
                ], through: "2027-04-29",
                lines: ["P1 2027-01-31 4999", "begin F1", "end F1", "begin F2"], status: .frozen,
                next: "2027-04-30"),
            Row(
                name: "scenario 4: the date of the cancellation is not billed",
                adjustments: [cancellation(1, "2027-03-31")], through: "2027-12-31",
                lines: ["P1 2027-01-31 4999", "P2 2027-02-28 4999", "begin C1"], status: .cancelled, next: nil
            ),
            Row(
                name: "cancelled from the day after a bill", adjustments: [cancellation(1, "2027-03-01")],
                through: "2027-02-28", lines: ["P1 2027-01-31 4999", "P2 2027-02-28 4999"], status: .current,
                next: nil),
            Row(
                name: "cancelled while frozen", adjustments: [threeMonths, cancellation(2, "2027-04-15")],
                through: "2027-12-31",
                lines: ["P1 2027-01-31 4999", "P2 2027-02-28 4999", "begin F1", "begin C2"],
                status: .cancelled, next: nil),
            Row(
                name: "paused: nothing more until it is resumed", adjustments: [pause(1, "2027-03-01")],
                through: "2027-12-31", lines: ["P1 2027-01-31 4999", "P2 2027-02-28 4999", "begin P1"],
                status: .paused, next: nil),
            Row(
                name: "a freeze that ends into a pause waits: F may not become P",
                adjustments: [begun(threeMonths), pause(2, "2027-07-01")], through: "2027-12-31",
                lines: ["end F1", "P6 2027-06-30 4999"], status: .current, next: nil),
            Row(
                name: "invoices made earlier", adjustments: [threeMonths],
                change: { $0.invoiceLeadDays = 40 }, through: "2027-01-20",
                lines: ["P1 2027-01-31 4999", "P2 2027-02-28 4999"], status: .current, next: "2027-06-30"),
            Row(
                name: "an inactive customer is not billed, but adjusted",
                adjustments: [cancellation(1, "2027-03-31")], through: "2027-12-31", lines: ["begin C1"],
                status: .cancelled, next: nil, billing: false),
            Row(
                name: "all payments billed: what was scheduled is taken back", length: 2,
                adjustments: [cancellation(1, "2027-08-01")], through: "2027-12-31",
                lines: ["F1 2027-01-31 4999", "F2 2027-02-28 4999"], status: .current, next: nil),
        ]
        for row in rows {
            let policy = try policy(row.change)
            var start = SubscriptionCourse(
                terms: terms(length: row.length),
                progress: SubscriptionProgress(beginningOn: day("2027-01-31")), adjustments: row.adjustments)
            if row.adjustments.contains(where: { $0.state == .effective }) {
                start.progress = SubscriptionProgress(
                    status: .frozen, nextCycle: 6, nextBillingDate: day("2027-06-30"),
                    lastBillingDate: day("2027-02-28"), billedCount: 2)
            }
            start = Schedule.settled(start, under: policy)
            let (after, steps) = Schedule.advance(
                start, under: policy, through: day(row.through), billing: row.billing)
            #expect(lines(steps) == row.lines, "\(row.name)")
            #expect(after.progress.status == row.status, "\(row.name)")
            #expect(after.progress.nextBillingDate == row.next.map { day($0) }, "\(row.name)")
            // Day by day comes to the same as late.
            var daily = start
            var dailyLines: [String] = []
            var today = day("2027-01-01")
            while today <= day(row.through) {
                let (next, steps) = Schedule.advance(
                    daily, under: policy, through: today, billing: row.billing)
                dailyLines += lines(steps)
                daily = next
                today = today.adding(days: 1)
            }
            if row.status != .current || row.next != nil || row.adjustments.count < 2 {
                #expect(dailyLines == row.lines, "\(row.name), day by day")
                #expect(daily == after, "\(row.name), day by day")
            }
        }
    }

    /// The end of a freeze that is cut short by a cancellation, and where the schedule would go on.
    @Test func `a cancellation ends a freeze and takes back what is to come`() throws {
        let course = try course(
            terms(), freeze(1, "2027-03-31", to: "2027-05-31", 3), cancellation(2, "2027-04-15"))
        let after = Schedule.advance(course, under: try policy(), through: day("2027-04-15")).after
        #expect(after.adjustments.map(\.state) == [.ended, .effective])
        #expect(after.adjustments[0].endDate == day("2027-04-15"))
        #expect(after.progress.nextCycle == 4)
        let early = try self.course(
            terms(), freeze(1, "2027-03-31", to: "2027-05-31", 3), cancellation(2, "2027-03-01"))
        let gone = Schedule.advance(early, under: try policy(), through: day("2027-03-01")).after
        #expect(gone.adjustments.map(\.state) == [.withdrawn, .effective])
        #expect(gone.adjustments[0].endDate == day("2027-03-01"))
        #expect(gone.progress.nextCycle == 3)
    }

    /// What ~resume left behind of an inactive customer: it decides as it did when it was in force, what was withdrawn does not.
    @Test func `what is over goes on to decide the cycles within it`() throws {
        var ended = freeze(1, "2027-02-28", to: "2027-03-31", 3)
        ended.state = .ended
        var over = pause(2, "2027-03-31")
        (over.state, over.endDate) = (.ended, day("2027-04-30"))
        var withdrawn = freeze(3, "2027-05-31", to: "2027-05-31", 1)
        withdrawn.state = .withdrawn
        let paid = try policy { $0.freezeRecurringFee = Money(500) }
        let free = Schedule.advance(
            try course(terms(length: 3), ended, over, withdrawn), under: try policy(),
            through: day("2027-12-31"))
        #expect(lines(free.steps) == ["F1 2027-01-31 4999", "F5 2027-05-31 4999", "F6 2027-06-30 4999"])
        let charged = Schedule.advance(
            try course(terms(length: 3), ended, over, withdrawn), under: paid, through: day("2027-12-31"))
        #expect(
            lines(charged.steps) == [
                "F1 2027-01-31 4999", "Z2 2027-02-28 500", "F5 2027-05-31 4999", "F6 2027-06-30 4999",
            ])
    }

    /// Oracle: the date of every cycle, by itself, and counting.
    @Test(arguments: CycleUnit.allCases)
    func `the first cycle from a day on is found`(unit: CycleUnit) {
        for interval in [1, 2, 5, 36] {
            for first in ["2027-01-31", "2028-02-29", "2027-03-01"] {
                let cycle = BillingCycle(unit, every: interval)
                let anchor = day(first)
                for number in 1...30 {
                    let date = cycle.date(of: number, from: anchor)
                    #expect(cycle.firstNumber(onOrAfter: date, from: anchor) == number)
                    #expect(cycle.firstNumber(onOrAfter: date.adding(days: 1), from: anchor) == number + 1)
                    #expect(cycle.firstNumber(onOrAfter: date.adding(days: -1), from: anchor) == number)
                }
                #expect(cycle.firstNumber(onOrAfter: anchor.adding(days: -1000), from: anchor) == 1)
            }
        }
    }

    /// Oracle: spec 2.11 and 5.7.
    @Test func `fees are made once, when they happen`() throws {
        let policy = try policy {
            $0.enrollmentFee = Money(100)
            $0.cancellationFee = Money(200)
            $0.freezeFlatFee = Money(300)
        }
        var course = try course(
            terms(), freeze(1, "2027-01-31", to: "2027-01-31", 1), cancellation(2, "2027-04-15"))
        course = Schedule.settled(course, under: policy)
        var fees: [String] = []
        var before = course
        for step in Schedule.advance(course, under: policy, through: day("2027-12-31")).steps {
            if let fee = Fees.fee(for: step, before: before.progress, under: policy) {
                fees.append("\(fee.note) \(fee.due) \(fee.amount.minorUnits)")
            }
            before = Schedule.after(step, in: before, under: policy)
        }
        #expect(
            fees == [
                "Freeze fee 2027-01-31 300", "Enrollment fee 2027-02-28 100",
                "Cancellation fee 2027-04-15 200",
            ])
        // Asked for in April with effect from January: due in April.
        let late = cancellation(3, "2027-01-05", asked: "2027-04-01")
        #expect(
            Fees.fee(for: .begin(late), before: before.progress, under: policy)?.due == day("2027-04-01"))
    }
}

/// Adjustments as tests name them.
/// Oracle: spec 5.7, and docs/decisions/adjustments.md, *Freeze*: what a freeze passed over before a bill that is made stays so.
struct SettledFreezeTests {
    private func billedAhead(_ state: SubscriptionAdjustment.State) throws -> SubscriptionCourse {
        var course = try course()
        let policy = try policy()
        let today = state == .pending ? "2027-02-08" : "2027-02-10"
        course = Schedule.advance(course, under: policy, through: day(today)).after
        #expect(course.adjustments[0].state == state)
        #expect(course.progress.lastBillingDate == day("2027-02-17"))
        #expect(course.progress.nextCycle == 4)
        return course
    }

    /// Weekly from 2027-02-03; the second one is frozen.
    private func course(length: Int? = nil) throws -> SubscriptionCourse {
        let terms = SubscriptionTerms(
            cycle: BillingCycle(.weekly), amount: Money(1000), taxAmount: .zero,
            firstBillingDate: day("2027-02-03"), length: length)
        return Schedule.settled(
            SubscriptionCourse(
                terms: terms, progress: SubscriptionProgress(beginningOn: terms.firstBillingDate),
                adjustments: [freeze(1, "2027-02-10", to: "2027-02-10", 1)]), under: try policy())
    }

    private func policy() throws -> MerchantAccount {
        var account = try accountState(on: "2027-01-01").account
        account.invoiceLeadDays = 10
        return account
    }

    @Test func `a cancellation leaves the day of a freeze that lies before a bill its reason`() throws {
        for state in [SubscriptionAdjustment.State.pending, .effective] {
            var course = try billedAhead(state)
            course.adjustments.append(cancellation(2, state == .pending ? "2027-02-08" : "2027-02-09"))
            course = Schedule.after(.begin(course.adjustments[1]), in: course, under: try policy())
            #expect(course.adjustments[0].state == .ended, "\(state)")
            #expect(course.adjustments[0].endDate == day("2027-02-10"), "\(state)")
            #expect(course.progress.nextCycle == 4, "\(state)")
        }
    }

    @Test func `the last payment, made before the freeze begins, leaves it its day`() throws {
        let (after, _) = Schedule.advance(
            try course(length: 2), under: try policy(), through: day("2027-02-08"))
        #expect(after.progress.billedCount == 2)
        #expect(after.adjustments[0].state == .ended)
        #expect(after.adjustments[0].endDate == day("2027-02-10"))
    }

    @Test func `a pause when the retries are used up leaves it its day`() throws {
        var policy = try policy()
        policy.onRetriesExhausted = .pause
        let course = try billedAhead(.pending)
        let decision = try #require(
            RetriesExhausted.Decision(.pause, course, note: "", on: day("2027-02-08"), policy))
        #expect(decision.cleared.adjustments[0].state == .ended)
        #expect(decision.cleared.adjustments[0].endDate == day("2027-02-10"))
        #expect(decision.adjustment.effectiveDate == day("2027-02-08"))
    }

    @Test func `unbilled becomes current without a bill by way of frozen only, however late the run comes`()
        throws
    {
        let policy = try policy()
        var start = try course()
        start.adjustments = [freeze(1, "2027-02-03", to: "2027-02-03", 1)]
        start = Schedule.settled(start, under: policy)
        let late = day("2027-03-01")
        let (frozen, first) = Schedule.advance(start, under: policy, through: late, billing: false)
        #expect(frozen.progress.status == .frozen)
        #expect(first.count == 1)
        let (over, second) = Schedule.advance(frozen, under: policy, through: late, billing: false)
        #expect(over.progress.status == .current)
        #expect(second.count == 1)
        #expect(over.progress.billedCount == 0)
        #expect(Schedule.advance(start, under: policy, through: late).after.progress.billedCount > 0)
    }

    @Test func `before the bill behind it is made, a freeze is taken back and its day billed`() throws {
        let policy = try policy()
        var course = Schedule.advance(try course(), under: policy, through: day("2027-02-01")).after
        #expect(!course.isSettled(course.adjustments[0]))
        course.withdraw(course.adjustments[0], on: day("2027-02-01"))
        course.stepBack(to: day("2027-02-10"))
        course = Schedule.settled(course, under: policy)
        #expect(course.adjustments[0].state == .withdrawn)
        #expect(course.progress.nextBillingDate == day("2027-02-10"))
    }
}

func freeze(_ id: Int64, _ from: String, to last: String, _ length: Int) -> SubscriptionAdjustment {
    SubscriptionAdjustment(
        id: Identifier(id), createDate: LocalDateTime(date: day("2027-01-01")), kind: .freeze,
        effectiveDate: day(from), endDate: day(last), length: length, creatorCode: "api-test")
}

func cancellation(_ id: Int64, _ from: String, asked: String = "2027-01-01") -> SubscriptionAdjustment {
    SubscriptionAdjustment(
        id: Identifier(id), createDate: LocalDateTime(date: day(asked)), kind: .cancellation,
        effectiveDate: day(from), creatorCode: "api-test")
}

func pause(_ id: Int64, _ from: String) -> SubscriptionAdjustment {
    SubscriptionAdjustment(
        id: Identifier(id), createDate: LocalDateTime(date: day("2027-01-01")), kind: .pause,
        effectiveDate: day(from), creatorCode: "api-test")
}

/// The same in force.
func begun(_ adjustment: SubscriptionAdjustment) -> SubscriptionAdjustment {
    var adjustment = adjustment
    adjustment.state = .effective
    return adjustment
}
