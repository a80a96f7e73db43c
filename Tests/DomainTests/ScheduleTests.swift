import Domain
import Testing

/// Oracle: spec 5.1 and 5.2 step 2, and the contract's scenario 1.
struct ScheduleTests {
    private func terms(_ unit: CycleUnit = .monthly, first: String = "2027-01-31", length: Int? = nil)
        -> SubscriptionTerms
    {
        SubscriptionTerms(
            cycle: BillingCycle(unit), amount: Money(4999), taxAmount: Money(399),
            firstBillingDate: day(first), length: length)
    }

    @Test func `a fixed subscription of twelve is billed on its twelve dates and then no more`() throws {
        let terms = terms(length: 12)
        var progress = SubscriptionProgress(beginningOn: terms.firstBillingDate)
        var dates: [String] = []
        while let (charge, after) = Schedule.next(terms: terms, progress: progress) {
            dates.append(charge.billingDate.description)
            #expect(charge.cycleNumber == dates.count)
            #expect(charge.kind == .fixed)
            #expect(charge.amount == Money(4999))
            #expect(charge.taxAmount == Money(399))
            #expect(after.status == .current)
            #expect(after.billedCount == dates.count)
            #expect(after.lastBillingDate == charge.billingDate)
            #expect((after.nextBillingDate == nil) == (dates.count == 12))
            progress = after
            try #require(dates.count <= 12)
        }
        #expect(
            dates == [
                "2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30", "2027-05-31", "2027-06-30",
                "2027-07-31", "2027-08-31", "2027-09-30", "2027-10-31", "2027-11-30", "2027-12-31",
            ])
    }

    @Test func `a single payment is the first and the last`() throws {
        let terms = terms(length: 1)
        let (charge, after) = try #require(
            Schedule.next(
                terms: terms, progress: SubscriptionProgress(beginningOn: terms.firstBillingDate)))
        #expect(charge.billingDate == day("2027-01-31"))
        #expect(after.nextBillingDate == nil)
        #expect(Schedule.next(terms: terms, progress: after) == nil)
    }

    @Test func `a perpetual subscription goes on, from unbilled to current with its first charge`() throws {
        let terms = terms(.annually, first: "2028-02-29")
        var progress = SubscriptionProgress(beginningOn: terms.firstBillingDate)
        #expect(progress.status == .unbilled)
        for number in 1...200 {
            let (charge, after) = try #require(Schedule.next(terms: terms, progress: progress))
            #expect(charge.kind == .perpetual)
            #expect(charge.cycleNumber == number)
            #expect(charge.billingDate == terms.cycle.date(of: number, from: terms.firstBillingDate))
            #expect(after.status == .current)
            #expect(after.nextCycle == number + 1)
            progress = after
        }
        #expect(progress.nextBillingDate == day("2228-02-29"))
    }

    /// Spec 5.1: a frozen cycle consumes its date but not a payment.
    @Test func `payments are counted apart from cycles`() throws {
        let terms = terms(length: 12)
        var progress = SubscriptionProgress(
            status: .current, nextCycle: 15, nextBillingDate: day("2028-03-31"),
            lastBillingDate: day("2028-02-29"), billedCount: 11)
        let (charge, after) = try #require(Schedule.next(terms: terms, progress: progress))
        #expect(charge.cycleNumber == 15)
        #expect(charge.billingDate == day("2028-03-31"))
        #expect(after.nextBillingDate == nil)
        progress.billedCount = 10
        let earlier = try #require(Schedule.next(terms: terms, progress: progress))
        #expect(earlier.after.nextBillingDate == day("2028-04-30"))
    }

    @Test(arguments: Subscription.Status.allCases)
    func `only unbilled and current subscriptions are billed`(status: Subscription.Status) {
        let terms = terms()
        let progress = SubscriptionProgress(
            status: status, nextCycle: 2, nextBillingDate: day("2027-02-28"), lastBillingDate: nil,
            billedCount: 1)
        let isBilled = Schedule.next(terms: terms, progress: progress) != nil
        #expect(isBilled == (status == .unbilled || status == .current))
    }
}
