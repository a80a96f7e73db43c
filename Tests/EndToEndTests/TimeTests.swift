import Foundation
import TestSupport
import Testing

/// Merchant accounts in real time zones (spec 5.1): each cycle is billed once, on its own date, whatever clocks do.
@Suite(.enabled(if: programIsKnown, "needs BILLING_BINARY"))
struct TimeTests {
    /// A local day and the instant at which it begins: `clock` is what a wall clock shows then.
    ///
    /// Oracle: the rules of the IANA database for these years, worked out by hand. Days that have passed: nobody changes
    /// them any more.
    static let days: [(zone: String, day: String, begins: String, clock: String)] = [
        ("America/New_York", "2026-03-08", "2026-03-08 05:00", "00:00:00"),
        ("America/New_York", "2026-11-02", "2026-11-02 05:00", "00:00:00"),
        ("Europe/London", "2026-03-30", "2026-03-29 23:00", "00:00:00"),
        ("Europe/London", "2025-10-26", "2025-10-25 23:00", "00:00:00"),
        // Quarters of an hour, on a leap day; half an hour of daylight saving.
        ("Asia/Kathmandu", "2028-02-29", "2028-02-28 18:15", "00:00:00"),
        ("Australia/Lord_Howe", "2026-04-06", "2026-04-05 13:30", "00:00:00"),
        ("Australia/Lord_Howe", "2025-10-06", "2025-10-05 13:00", "00:00:00"),
        // The two ends of the date line.
        ("Pacific/Kiritimati", "2026-02-01", "2026-01-31 10:00", "00:00:00"),
        ("Pacific/Pago_Pago", "2026-02-01", "2026-02-01 11:00", "00:00:00"),
        ("America/St_Johns", "2026-03-09", "2026-03-09 02:30", "00:00:00"),
        // No midnight: the day begins at one.
        ("Africa/Cairo", "2026-04-24", "2026-04-23 22:00", "01:00:00"),
        ("Atlantic/Azores", "2026-03-29", "2026-03-29 01:00", "01:00:00"),
        ("America/Havana", "2026-03-08", "2026-03-08 05:00", "01:00:00"),
        // Two hours of eleven in the evening before it; two midnights, of which the first one counts.
        ("Africa/Cairo", "2025-10-31", "2025-10-30 22:00", "00:00:00"),
        ("Atlantic/Azores", "2025-10-26", "2025-10-26 00:00", "00:00:00"),
        ("America/Havana", "2025-11-02", "2025-11-02 04:00", "00:00:00"),
        // The day after one that never was: 30 December 2011 was left out in Samoa.
        ("Pacific/Apia", "2011-12-31", "2011-12-30 10:00", "00:00:00"),
    ]

    @Test func theBusinessDateChangesAtLocalMidnight() throws {
        let merchant = try Merchant()
        for (zone, day, begins, clock) in Self.days {
            let name = "\(zone) \(day)"
            try merchant.setZone(zone)
            try merchant.setInstant(begins, seconds: -200_000)
            // One payment, and nothing on file: one invoice, or none.
            let customer = try merchant.createCustomerToPayByHand(cycle: "M", first: day, length: 1)

            let before = try merchant.run(at: begins, seconds: -1)
            #expect(before["businessDate"] != day && before["invoices"] == "0", "\(name): \(before)")
            #expect(before["now"]?.hasSuffix(":59:59") == true, "\(name): \(before)")
            #expect(try merchant.lines(of: customer) == [], "\(name)")

            let after = try merchant.run(at: begins)
            #expect(after["businessDate"] == day && after["now"] == "\(day) \(clock)", "\(name): \(after)")
            let bill = try merchant.entries(of: customer)
            #expect(bill.map(\.description) == ["RI \(day) 4999 4999"], "\(name)")
            #expect(bill.first?.tree["createDate"]?.scalar == "\(day) \(clock)", "\(name)")

            // The second midnight, and a clock put back over the first one.
            for seconds in [3600, -1] {
                #expect(
                    try merchant.run(at: begins, seconds: seconds)["invoices"] == "0", "\(name) \(seconds)")
            }
        }
        try merchant.expectSoundBooks()
    }

    /// A day's filter takes what shows that day, from its first midnight on.
    @Test func aDayWithTwoMidnightsIsFoundWhole() throws {
        let merchant = try Merchant(settings: ["timeZone=Atlantic/Azores"])
        let instants = [
            ("2026-10-24 23:59", "2026-10-24"), ("2026-10-25 00:00", "2026-10-25"),
            ("2026-10-25 00:30", "2026-10-25"), ("2026-10-25 01:30", "2026-10-25"),
            ("2026-10-26 00:59", "2026-10-25"), ("2026-10-26 01:00", "2026-10-26"),
        ]
        try merchant.setInstant("2026-10-01 00:00")
        let customer = try merchant.createCustomer()
        var made: [String: [Int]] = [:]
        for (instant, day) in instants {
            try merchant.setInstant(instant)
            let entry = try merchant.call("PUT", customer.transactions, #"{"type":"RI","amount":100}"#)
            #expect(entry["dueDate"] == day && entry["createDate"]?.prefix(10) == day[...], "\(entry)")
            made[day, default: []].append(entry.id)
        }
        for (day, ids) in made {
            let found = try merchant.entries(of: customer, "&createDateFrom=\(day)&createDateTo=\(day)")
            #expect(found.map(\.id) == ids, "\(day)")
        }
    }

    /// Zones whose clocks change within these weeks, two of them at midnight.
    @Test(arguments: ["Australia/Lord_Howe", "Atlantic/Azores", "Africa/Cairo"])
    func eachCycleIsBilledOnceAcrossGapAndOverlap(zone: String) throws {
        let merchant = try Merchant(settings: ["timeZone=\(zone)"])
        // Both weekends of both changes, in every one of the zones.
        for (first, nights) in [
            ("2027-03-21", ["2027-03-27", "2027-03-28", "2027-04-03", "2027-04-29", "2027-04-30"]),
            ("2027-09-26", ["2027-10-02", "2027-10-03", "2027-10-28", "2027-10-29", "2027-10-31"]),
        ] {
            let days = Self.dates(from: first, step: 1, most: 50)
            try merchant.setInstant("\(days[0]) 00:00", seconds: -86_400)
            let weekly = try merchant.createCustomerToPayByHand(cycle: "W", first: days[0], length: 7)
            let daily = try days.prefix(44).filter {
                $0.hasSuffix("28") || $0.hasSuffix("30") || $0.hasSuffix("31")
            }
            .map {
                (day: $0, customer: try merchant.createCustomerToPayByHand(cycle: "M", first: $0, length: 1))
            }
            for night in nights {
                try merchant.advance(to: "\(night) 00:30:00")
                try merchant.advance(to: "\(night) 23:30:00")
            }
            try merchant.advance(to: days[44])
            let sundays = Self.dates(from: days[0], step: 7, most: 7)
            #expect(try merchant.lines(of: weekly) == sundays.map { "RI \($0) 4999 4999" })
            var bills = try merchant.entries(of: weekly)
            for (day, customer) in daily {
                let bill = try merchant.entries(of: customer)
                #expect(bill.map(\.description) == ["RI \(day) 4999 4999"], "\(zone)")
                bills += bill
            }
            // Made on its own day, not only dated so.
            for bill in bills {
                #expect(bill.tree["createDate"]?.scalar?.prefix(10) == bill.dueDate[...], "\(zone) \(bill)")
            }
        }
        try merchant.expectSoundBooks()
    }

    /// When a payment was made and reversed, in UTC, and what that makes: AV before it settles, AR after.
    ///
    /// Oracle: spec 2.11 settlementTime, 17:00 by the local clock, on days of 23 and 25 hours too.
    static let settlements: [(zone: String, paid: String, reversed: String, type: String)] = [
        ("America/New_York", "2026-03-08 14:00:00", "2026-03-08 20:59:59", "AV"),
        ("America/New_York", "2026-03-07 21:59:59", "2026-03-07 22:00:00", "AR"),
        ("America/New_York", "2026-03-07 22:00:00", "2026-03-08 21:00:00", "AR"),
        ("America/New_York", "2026-10-31 21:00:00", "2026-11-01 21:59:59", "AV"),
        ("America/New_York", "2026-10-31 21:00:00", "2026-11-01 22:00:00", "AR"),
        ("Pacific/Kiritimati", "2026-02-01 02:59:59", "2026-02-01 03:00:00", "AR"),
        ("Pacific/Kiritimati", "2026-02-01 03:00:00", "2026-02-02 02:59:59", "AV"),
        ("Australia/Lord_Howe", "2026-04-04 06:00:00", "2026-04-05 06:30:00", "AR"),
        ("Africa/Cairo", "2026-04-23 15:00:00", "2026-04-24 14:00:00", "AR"),
    ]

    @Test func paymentsSettleAtFiveByTheLocalClock() throws {
        let merchant = try Merchant(clock: "2026-01-01")
        let customer = try merchant.createCustomer()
        var current = ""
        for (zone, paid, reversed, type) in Self.settlements {
            if zone != current { try merchant.setZone(zone) }
            current = zone
            try merchant.setInstant(paid)
            let payment = try merchant.process(1000, of: customer)
            #expect(payment.status == 201, "\(payment)")
            try merchant.setInstant(reversed)
            let reversal = try merchant.reverse(payment.id, of: customer)
            #expect(
                reversal.status == 200 && reversal["type"] == type, "\(zone) \(paid) \(reversed): \(reversal)"
            )
        }
        try merchant.expectSoundBooks()
    }

    /// A claim of a Friday, when the Monday after it begins in UTC, and when the claim is final: Wednesday.
    static let claims: [(zone: String, friday: String, monday: String, begins: String, final: String)] = [
        ("America/New_York", "2026-03-06", "2026-03-09", "2026-03-09 04:00", "2026-03-11"),
        ("Pacific/Kiritimati", "2027-01-15", "2027-01-18", "2027-01-17 10:00", "2027-01-20"),
        ("Australia/Lord_Howe", "2026-04-03", "2026-04-06", "2026-04-05 13:30", "2026-04-08"),
    ]

    /// 72.00 comes back as N01 on the next banking day (spec 5.10).
    @Test func claimsComeBackOnTheNextBankingDayByTheLocalDate() throws {
        let merchant = try Merchant()
        for (zone, friday, monday, begins, final) in Self.claims {
            try merchant.setZone(zone)
            try merchant.setInstant(begins, seconds: -4 * 86_400)
            let customer = try merchant.createBankCustomer(amount: 7200, first: friday)
            try merchant.advance(to: "\(friday) 23:59:59")
            let claimed = ["RI \(friday) 7200 0", "AC \(friday) 7200 0"]
            #expect(try merchant.lines(of: customer) == claimed, "\(zone)")
            let claim = try #require(try merchant.entries(of: customer).first { $0.type == "AC" })
            let explained = try merchant.call("GET", "\(customer.transactions)/\(claim.id)/~explain")
            #expect(explained.body.contains("on \(final)."), "\(explained)")
            try merchant.run(at: begins, seconds: -1)
            #expect(try merchant.lines(of: customer) == claimed, "\(zone)")
            try merchant.run(at: begins)
            let returned = try merchant.entries(of: customer).last
            #expect(returned?.description == "AD \(monday) 7200 0", "\(zone)")
            #expect(returned?.tree["createDate"]?.scalar == "\(monday) 00:00:00", "\(zone)")
            try merchant.expectBalance(of: customer, 7200)
            try merchant.call(
                "GET",
                "\(customer.path)/subscriptions/\(customer.subscription)/~cancel?effectiveDate=\(monday)")
        }
        try merchant.expectSoundBooks()
    }

    /// Days so many apart, from the first through the last, at most so many.
    static func dates(
        from first: String, step: Int, through last: String = "2999-12-31", most: Int = .max
    ) -> [String] {
        let form = DateFormatter()
        form.dateFormat = "yyyy-MM-dd"
        form.timeZone = TimeZone(identifier: "UTC")
        form.locale = Locale(identifier: "en_US_POSIX")
        guard let begin = form.date(from: first), let end = form.date(from: last) else { return [] }
        return stride(from: begin, through: end, by: TimeInterval(step * 86_400)).prefix(most)
            .map { form.string(from: $0) }
    }
}

extension Merchant {
    /// Moves the account to another time zone.
    func setZone(_ zone: String) throws {
        let modified = try call("POST", "/accounts/\(account)", #"{"timeZone":"\#(zone)"}"#)
        try #require(modified.status == 200 && modified["timeZone"] == zone, "\(modified)")
    }

    /// Puts the clock to an instant, `yyyy-MM-dd HH:mm` in UTC, or so many seconds after it; the business date then.
    @discardableResult
    func setInstant(_ instant: String, seconds: Int = 0) throws -> String {
        try stack.sql(
            """
            update billing.merchant_accounts a set clock_at = timestamptz '\(instant)Z' + interval '\(seconds) seconds'
             where account_id = \(account)
            returning billing.business_date(a.*)
            """)
    }

    /// Puts the clock there and runs what its day brings, at once: a ~advance to the day that it shows moves nothing.
    @discardableResult
    func run(at instant: String, seconds: Int = 0) throws -> Answer {
        try advance(to: try setInstant(instant, seconds: seconds))
    }

    /// Makes a customer with nothing on file: its invoices of 4999 stay open.
    func createCustomerToPayByHand(cycle: String, first: String, length: Int? = nil) throws -> TestCustomer {
        let length = length.map { #","length":\#($0)"# } ?? ""
        let made = try call(
            "PUT", "/customers",
            """
            {"firstName":"Ann","lastName":"Lee","subscriptions":[{"billingCycleType":"\(cycle)","amount":4999,\
            "firstBillingDate":"\(first)"\(length)}]}
            """)
        try #require(made.status == 201, "\(made)")
        return TestCustomer(
            id: made.id, option: -1, subscription: made.tree["subscriptions"]?[0]?["id"]?.integer ?? -1)
    }
}
