import Glibc
import Testing

@testable import Domain

/// Random agreements with freezes, pauses and cancellations to come, advanced in random strides. Oracles: spec 5.1 and 5.7 read
/// plainly, cycle by cycle; and the schedule itself, asked every day.
struct SchedulePropertyTests {
    /// `BILLING_SEED` repeats another one.
    static let seed = getenv("BILLING_SEED").flatMap { UInt64(String(cString: $0)) } ?? 20_271_122
    static let courses = 2000
    static let start = day("2027-01-01")
    static let days = 900

    private struct Drawn {
        var course: SubscriptionCourse
        var policy: MerchantAccount
    }

    private func draw(_ numbers: inout SeededNumbers) throws -> Drawn {
        var policy = try accountState(on: "2027-01-01").account
        policy.invoiceLeadDays = [0, 0, 3, 20].randomElement(using: &numbers)!
        policy.freezeRecurringFee = Money([0, 0, 700].randomElement(using: &numbers)!)
        let cycle = BillingCycle(
            CycleUnit.allCases.randomElement(using: &numbers)!, every: .random(in: 1...3, using: &numbers))
        let first = Self.start.adding(days: .random(in: 0...120, using: &numbers))
        let terms = SubscriptionTerms(
            cycle: cycle, amount: Money(5000), taxAmount: Money(400), firstBillingDate: first,
            length: Bool.random(using: &numbers) ? nil : .random(in: 1...20, using: &numbers))
        var adjustments: [SubscriptionAdjustment] = []
        let number = Int.random(in: 1...6, using: &numbers)
        let length = Int.random(in: 1...4, using: &numbers)
        let from = cycle.date(of: number, from: first)
        let some = Self.start.adding(days: .random(in: 1...500, using: &numbers)).description
        switch Int.random(in: 0..<4, using: &numbers) {
        case 0, 1:
            adjustments.append(
                freeze(
                    1, from.description, to: cycle.date(of: number + length - 1, from: first).description,
                    length))
        case 2: adjustments.append(pause(1, some))
        default: break
        }
        if Int.random(in: 0..<3, using: &numbers) == 0 {
            let end = Self.start.adding(days: .random(in: 1...700, using: &numbers))
            adjustments.append(cancellation(2, end.description))
        }
        let course = Schedule.settled(
            SubscriptionCourse(
                terms: terms, progress: SubscriptionProgress(beginningOn: first), adjustments: adjustments),
            under: policy)
        return Drawn(course: course, policy: policy)
    }

    /// All that happens through a day, however many goes that takes.
    private func advance(
        _ course: inout SubscriptionCourse, _ policy: MerchantAccount, through today: CalendarDate
    )
        -> [ScheduleStep]
    {
        var all: [ScheduleStep] = []
        while true {
            let (after, steps) = Schedule.advance(course, under: policy, through: today)
            if steps.isEmpty { return all }
            all += steps
            course = after
        }
    }

    /// The next day on which anything can happen.
    private func wakes(_ course: SubscriptionCourse, _ policy: MerchantAccount) -> CalendarDate {
        var first = course.progress.nextBillingDate?.adding(days: -policy.invoiceLeadDays) ?? .latest
        for adjustment in course.adjustments {
            first = min(first, Schedule.event(of: adjustment, terms: course.terms) ?? .latest)
        }
        return first
    }

    private func charges(_ steps: [ScheduleStep]) -> [Charge] {
        steps.compactMap { if case .charge(let charge) = $0 { charge } else { nil } }
    }

    /// What is billed through a day, by counting cycles; with invoices made ahead.
    private func counted(_ drawn: Drawn, through today: CalendarDate) -> [String] {
        let (terms, policy) = (drawn.course.terms, drawn.policy)
        var lines: [String] = []
        var payments = 0
        var number = 1
        while payments != terms.length ?? -1 {
            let date = terms.cycle.date(of: number, from: terms.firstBillingDate)
            guard date <= today.adding(days: policy.invoiceLeadDays) else { break }
            let covering = drawn.course.adjustments.filter {
                $0.effectiveDate <= date && date <= $0.endDate ?? .latest
            }
            if covering.contains(where: { $0.kind == .cancellation }) { break }
            if covering.isEmpty {
                payments += 1
                lines.append("\(number) \(date) 5000 400")
            } else if covering[0].kind == .freeze, policy.freezeRecurringFee > .zero {
                lines.append("\(number) \(date) 700 0")
            }
            number += 1
        }
        return lines
    }

    @Test func `day by day, in strides or in one go: the same`() throws {
        print("BILLING_SEED=\(Self.seed)")
        var numbers = SeededNumbers(state: Self.seed)
        let last = Self.start.adding(days: Self.days)
        var billed = 0
        for place in 0..<Self.courses {
            let drawn = try draw(&numbers)
            var (daily, strided, once) = (drawn.course, drawn.course, drawn.course)
            var (dailySteps, stridedSteps): ([ScheduleStep], [ScheduleStep]) = ([], [])
            for offset in 0...Self.days {
                let today = Self.start.adding(days: offset)
                // On days between nothing happens; asking on some of them is enough to see it.
                guard wakes(daily, drawn.policy) <= today || offset.isMultiple(of: 97) else { continue }
                dailySteps += advance(&daily, drawn.policy, through: today)
            }
            var offset = 0
            while offset < Self.days {
                offset = min(Self.days, offset + .random(in: 1...200, using: &numbers))
                stridedSteps += advance(&strided, drawn.policy, through: Self.start.adding(days: offset))
                // A second pass of the same day does nothing.
                #expect(advance(&strided, drawn.policy, through: Self.start.adding(days: offset)).isEmpty)
            }
            let onceSteps = advance(&once, drawn.policy, through: last)
            let made = charges(dailySteps)
            billed += made.count
            let context = "seed \(Self.seed), course \(place): \(drawn.course)"
            #expect(charges(stridedSteps) == made && charges(onceSteps) == made, "\(context)")
            #expect(daily == once && strided == once, "\(context)")
            #expect(
                made.map {
                    "\($0.cycleNumber) \($0.billingDate) \($0.amount.minorUnits) \($0.taxAmount.minorUnits)"
                }
                    == counted(drawn, through: last), "\(context)")
        }
        print("\(Self.courses) courses, \(billed) charges")
        #expect(billed > Self.courses * 5)
    }
}
