import Testing

@testable import Domain

/// Oracle: docs/decisions/adjustments.md, "When the retries are used up". Monthly from 2027-01-10; the retries end on 2027-03-15.
struct RetriesExhaustedTests {
    /// What a row of the table begins with: the status and what is scheduled or in force, `F 2027-03-10 2027-04-10 effective`.
    private struct Row {
        let status: Subscription.Status
        let adjustments: [String]
        /// The next billing date, what becomes of the adjustments, and the new one: kind and day; `-` for nothing.
        let pause: String
        let cancel: String
    }

    private static let rows: [Row] = [
        Row(status: .unbilled, adjustments: [], pause: "- P 2027-03-15", cancel: "- C 2027-03-15"),
        Row(status: .current, adjustments: [], pause: "- P 2027-03-15", cancel: "- C 2027-03-15"),
        Row(status: .cancelled, adjustments: ["C 2027-03-01 - effective"], pause: "-", cancel: "-"),
        Row(status: .expired, adjustments: [], pause: "-", cancel: "-"),
        Row(
            status: .paused, adjustments: ["P 2027-03-01 - effective"], pause: "-",
            cancel: "effective - C 2027-03-15"),
        Row(
            status: .frozen, adjustments: ["F 2027-03-10 2027-04-10 effective"],
            pause: "effective - P 2027-05-10", cancel: "effective - C 2027-03-15"),
        Row(
            status: .current, adjustments: ["F 2027-04-10 2027-05-10 pending"],
            pause: "withdrawn - P 2027-03-15", cancel: "pending - C 2027-03-15"),
        Row(
            status: .current, adjustments: ["P 2027-06-01 - pending"], pause: "withdrawn - P 2027-03-15",
            cancel: "pending - C 2027-03-15"),
        Row(
            status: .current, adjustments: ["C 2027-06-01 - pending"], pause: "pending - P 2027-03-15",
            cancel: "withdrawn - C 2027-03-15"),
        // A freeze that a cancellation or another freeze follows.
        Row(
            status: .frozen, adjustments: ["F 2027-03-10 2027-04-10 effective", "C 2027-05-01 - pending"],
            pause: "-", cancel: "effective withdrawn - C 2027-03-15"),
        Row(
            status: .frozen,
            adjustments: ["F 2027-03-10 2027-04-10 effective", "F 2027-06-10 2027-06-10 pending"],
            pause: "effective withdrawn - P 2027-05-10", cancel: "effective pending - C 2027-03-15"),
        Row(
            status: .frozen, adjustments: ["F 2027-03-10 2027-04-10 effective", "P 2027-05-10 - pending"],
            pause: "-", cancel: "effective pending - C 2027-03-15"),
        // Set aside before these could begin.
        Row(status: .current, adjustments: ["P 2027-03-01 - pending"], pause: "-", cancel: "-"),
        Row(status: .current, adjustments: ["C 2027-03-15 - pending"], pause: "-", cancel: "-"),
        Row(status: .current, adjustments: ["F 2027-03-10 2027-03-10 pending"], pause: "-", cancel: "-"),
    ]

    private func adjustment(_ text: String, id: Int64) throws -> SubscriptionAdjustment {
        let words = text.split(separator: " ").map(String.init)
        return SubscriptionAdjustment(
            id: Identifier(id), createDate: LocalDateTime(date: day("2027-02-01")),
            kind: try #require(SubscriptionAdjustment.Kind(rawValue: words[0])),
            effectiveDate: day(words[1]), endDate: CalendarDate(words[2]),
            length: words[0] == "F" ? 1 : nil, creatorCode: "api-test",
            state: try #require(SubscriptionAdjustment.State(rawValue: words[3])))
    }

    private func outcome(_ kind: SubscriptionAdjustment.Kind, _ course: SubscriptionCourse) throws -> String {
        let policy = try accountState(on: "2027-03-15").account
        guard
            let decision = RetriesExhausted.Decision(
                kind, course, note: "used up", on: day("2027-03-15"), policy)
        else { return "-" }
        var scheduled = decision.cleared
        scheduled.adjustments.append(decision.adjustment)
        scheduled = Schedule.settled(scheduled, under: policy)
        #expect(decision.adjustment.creatorCode == "billing-run" && decision.adjustment.note == "used up")
        for withdrawn in decision.cleared.adjustments where withdrawn.state == .withdrawn {
            #expect(withdrawn.endDate == day("2027-03-15") && withdrawn.endedBy == "billing-run")
        }
        let states = decision.cleared.adjustments.map(\.state.rawValue)
        let next = scheduled.progress.nextBillingDate?.description ?? "-"
        return
            (states + [
                next, decision.adjustment.kind.rawValue, decision.adjustment.effectiveDate.description,
            ])
            .joined(separator: " ")
    }

    @Test func `what becomes of a subscription whose retries are used up`() throws {
        let terms = SubscriptionTerms(
            cycle: BillingCycle(.monthly), amount: Money(4999), firstBillingDate: day("2027-01-10"))
        for row in Self.rows {
            let course = Schedule.settled(
                SubscriptionCourse(
                    terms: terms,
                    progress: SubscriptionProgress(
                        status: row.status, nextCycle: 4, nextBillingDate: nil,
                        lastBillingDate: day("2027-03-10"), billedCount: 3),
                    adjustments: try row.adjustments.enumerated().map {
                        try adjustment($1, id: Int64($0) + 1)
                    }), under: try accountState(on: "2027-03-15").account)
            #expect(try outcome(.pause, course) == row.pause, "pause: \(row)")
            #expect(try outcome(.cancellation, course) == row.cancel, "cancel: \(row)")
        }
    }

    @Test func `cycles that a withdrawn freeze had passed over are next again`() throws {
        let policy = try accountState(on: "2027-03-15").account
        let terms = SubscriptionTerms(
            cycle: BillingCycle(.monthly), amount: Money(4999), firstBillingDate: day("2027-01-10"))
        let freeze = try adjustment("F 2027-04-10 2027-05-10 pending", id: 1)
        let course = Schedule.settled(
            SubscriptionCourse(
                terms: terms,
                progress: SubscriptionProgress(
                    status: .current, nextCycle: 4, nextBillingDate: nil, lastBillingDate: day("2027-03-10"),
                    billedCount: 3), adjustments: [freeze]), under: policy)
        #expect(course.progress.nextCycle == 6)
        let decision = try #require(
            RetriesExhausted.Decision(.pause, course, note: "used up", on: day("2027-03-15"), policy))
        #expect(decision.cleared.progress.nextCycle == 4)
        #expect(decision.cleared.progress.nextBillingDate == day("2027-04-10"))
    }
}
