import Domain
import Persistence
import Postgres
import TestSupport
import Testing

@Suite struct StoreTests {
    /// An object without a code goes by its number: nobody else's code may be that number (spec 2 code).
    @Test func numbersPassOverCodes() throws {
        let books = try Fixture().books()
        try books.withStore(reaching: [2001]) { store throws in
            let first = try store.addCustomer()
            let taken = String(first.rawValue + 2)
            try store.addCustomer(code: taken)
            let next = try store.addCustomer()
            #expect(next.description != taken)
            #expect(try store.customer(.code(taken), complete: false)?.id == Identifier(first.rawValue + 1))
            #expect(try store.customer(.code(next.description), complete: false)?.id == next)
        }
    }

    @Test func customersComeBackAsTheyWereStored() throws {
        let books = try Fixture().books()
        var written = CustomerParticulars("Zoë", "O'Neil")
        written.organizationName = "Gym 🏋 Ltd"
        written.email = "zoe@example.com"
        written.phone = "+1 (555) 123"
        written.street = "1 Main"
        written.street2 = "Back"
        written.city = "Köln"
        written.state = "NY"
        written.zipCode = "10001"
        written.countryCode = "US"
        written.note = "note"
        let id = try books.withStore(reaching: [2001]) {
            try $0.insertCustomer(account: 2001, code: "c-1", written, status: .inactive, at: Fixture.moment)
        }
        let stored = try #require(
            try books.reading(reaching: [2001]) { try $0.customer(.code("c-1"), complete: false) })
        #expect(stored.id == id)
        #expect(stored.accountID == 2001)
        #expect(stored.code == "c-1")
        #expect(stored.particulars == written)
        #expect(stored.status == .inactive)
        #expect(stored.version == 1)
        #expect(stored.balance == .zero)
        #expect(stored.paymentOptions == nil)
        // 1,700,000,000 s after 1970 is 2023-11-14 22:13:20 UTC.
        #expect(stored.createDate.description == "2023-11-14 17:13:20")

        written.note = nil
        written.lastName = "Nil"
        try books.withStore(reaching: [2001]) { store in
            let state = try #require(try store.lockedCustomer(.id(id.rawValue)))
            #expect(state.account.timeZone == "America/New_York")
            #expect(state.account.retryDays == [3, 5, 7])
            #expect(state.account.settlementTime == "17:00")
            try store.updateCustomer(state.customer, written, status: .active)
        }
        let changed = try books.withStore(reaching: [2001]) {
            try $0.customer(.id(id.rawValue), complete: false)
        }
        #expect(changed?.particulars == written)
        #expect(changed?.status == .active)
        #expect(changed?.version == 2)
    }

    @Test func aCompleteCustomerHasOptionsAndSubscriptions() throws {
        let books = try Fixture().books()
        let (customer, plan) = try books.withStore(reaching: [2001]) { store in
            var particulars = PlanParticulars()
            particulars.name = "Gold"
            particulars.amount = Money(5000)
            let plan = try store.insertPlan(account: 2001, code: "gold", particulars, at: Fixture.moment)
            let customer = try store.addCustomer(code: "17")
            try store.addCustomer(code: "other")
            let first = try store.addOption(of: customer)
            let second = try store.addOption(of: customer, code: "spare", isDefault: false)
            #expect(first < second)
            _ = try store.insertSubscription(
                account: 2001, customer: customer, code: "s-1",
                terms: SubscriptionTerms(
                    planID: plan, planName: "Gold", cycle: BillingCycle(.weekly, every: 2),
                    amount: Money(5000), taxAmount: Money(500),
                    firstBillingDate: try #require(CalendarDate("2024-01-31")), length: 12),
                paymentOption: second, note: "n", at: Fixture.moment)
            return (customer, plan)
        }
        for reference in [Reference.id(customer.rawValue), .code("17")] {
            let found = try #require(
                try books.reading(reaching: [2001, 2002]) { try $0.customer(reference, complete: true) })
            #expect(found.id == customer)
            #expect(found.paymentOptions?.map(\.code) == [nil, "spare"])
            #expect(found.paymentOptions?.first?.particulars.city == "Zürich")
            #expect(found.paymentOptions?.first?.createDate.description == "2023-11-14 17:13:20")
            let subscription = try #require(found.subscriptions?.first)
            #expect(subscription.terms.planID == plan)
            #expect(subscription.terms.cycle == BillingCycle(.weekly, every: 2))
            #expect(subscription.terms.length == 12)
            #expect(
                subscription.progress
                    == SubscriptionProgress(beginningOn: subscription.terms.firstBillingDate))
            #expect(subscription.collectedCount == 0)
            #expect(subscription.note == "n")
        }
    }

    @Test func referencesPreferCodesAndFallBackToNumbers() throws {
        let books = try Fixture().books()
        try books.withStore(reaching: [2001, 2002]) { store in
            let plain = try store.addCustomer()
            let named = try store.addCustomer(code: "c-1")
            let likeANumber = try store.addCustomer(code: "900")
            func find(_ text: String) throws -> Identifier<Customer>? {
                try store.customer(try #require(Reference(text)), complete: false)?.id
            }
            let cases: [(String, Identifier<Customer>?)] = [
                ("\(plain)", plain), ("*\(plain)", plain), ("*c-1", named), ("\(named)", named),
                ("*\(named)", nil), ("*900", likeANumber), ("900", nil), ("*0900", nil), ("*C-1", nil),
                ("*-1", nil), ("*99999999999999999999", nil),
            ]
            for (text, expected) in cases {
                #expect(try find(text) == expected, "\(text)")
            }
            #expect(throws: Refusal.self) { try store.addCustomer(code: "\(plain)") }
        }
        // One code in two accounts within reach names nobody.
        try books.withStore(reaching: [2001, 2002]) { store in
            try store.addCustomer(account: 2001, code: "both")
            try store.addCustomer(account: 2002, code: "both")
            #expect(throws: Refusal.self) { try store.customer(.code("both"), complete: true) }
            #expect(throws: Refusal.self) { try store.lockedCustomer(.code("both")) }
        }
        let one = try books.reading(reaching: [2002]) { try $0.customer(.code("both"), complete: false) }
        #expect(one?.accountID == 2002)
    }

    @Test func takenCodesNameTheirOwner() throws {
        let books = try Fixture().books()
        let customer = try books.withStore(reaching: [2001]) { try $0.addCustomer(code: "c-1") }
        try books.withStore(reaching: [2001]) { store in
            try store.addOption(of: customer, code: "o-1")
            _ = try store.insertPlan(
                account: 2001, code: "p-1", PlanParticulars(named: "P"), at: Fixture.moment)
            _ = try store.addSubscription(of: customer, code: "s-1")
        }
        func refusal(_ body: (PostgresStore) throws -> Void) throws -> Fault? {
            do {
                try books.withStore(reaching: [2001], body)
                return nil
            } catch let refusal as Refusal {
                return refusal.faults[0]
            }
        }
        let taken = try refusal { try $0.addCustomer(code: "c-1") }
        #expect(taken?.code == .duplicate)
        #expect(taken?.field == "code")
        #expect(taken?.message == "code 'c-1' belongs to customer \(customer) already")
        #expect(
            try refusal { try $0.addOption(of: customer, code: "o-1", isDefault: false) }?.code == .duplicate)
        #expect(
            try refusal {
                _ = try $0.insertPlan(
                    account: 2001, code: "p-1", PlanParticulars(named: "Q"), at: Fixture.moment)
            }?.code == .duplicate)
        #expect(try refusal { _ = try $0.addSubscription(of: customer, code: "s-1") }?.code == .duplicate)
        // The same code in another account is free.
        try books.withStore(reaching: [2002]) { _ = try $0.addCustomer(account: 2002, code: "c-1") }
    }

    @Test func optionsAreKeptWithTheirSealedNumbers() throws {
        let books = try Fixture().books()
        try books.withStore(reaching: [2001]) { store in
            let customer = try store.addCustomer()
            let first = try store.addOption(of: customer)
            #expect(try store.sealedNumbers(of: [first], account: 2001) == [first: [1, 2, 3]])
            #expect(
                try store.paymentOption(token: "token-of-option-number-\(first)", account: 2001)?.id == first)
            #expect(try store.defaultPaymentOption(of: customer, account: 2001)?.id == first)
            try store.clearDefaultOption(of: customer, account: 2001)
            #expect(try store.defaultPaymentOption(of: customer, account: 2001) == nil)
            let option = try #require(
                try store.paymentOption(of: customer, account: 2001, .id(first.rawValue)))
            #expect(option.version == 2)
            var particulars = option.particulars
            particulars.isDefault = true
            particulars.isActive = false
            try store.updatePaymentOption(option, particulars, accessoryShown: "0131", sealed: [7])
            let changed = try store.paymentOption(of: customer, account: 2001, .id(first.rawValue))
            #expect(changed?.particulars == particulars)
            #expect(changed?.accessoryShown == "0131")
            #expect(try store.sealedNumbers(of: [first], account: 2001) == [first: [7]])
            var filter = PaymentOptionFilter()
            filter.isActive = true
            #expect(try store.paymentOptions(of: customer, account: 2001, filter, Page()).items.isEmpty)
            filter.isActive = false
            filter.type = .visaCredit
            #expect(try store.paymentOptions(of: customer, account: 2001, filter, Page()).items.count == 1)
            #expect(try store.vaultKey(of: 2001) == nil)
            #expect(try store.insertVaultKey([5], for: 2001) == [5])
            #expect(try store.insertVaultKey([6], for: 2001) == [5])
            #expect(try store.vaultKey(of: 2001) == [5])
        }
    }

    @Test func anExpiredCustomerWithANewSubscriptionIsActive() throws {
        let books = try Fixture().books()
        for (status, expected) in [(Customer.Status.expired, Customer.Status.active), (.inactive, .inactive)]
        {
            let id = try books.withStore(reaching: [2001]) { store in
                let id = try store.insertCustomer(
                    account: 2001, code: nil, CustomerParticulars("A", "B"), status: status,
                    at: Fixture.moment)
                _ = try store.addSubscription(of: id)
                return id
            }
            let found = try books.reading(reaching: [2001]) {
                try $0.customer(.id(id.rawValue), complete: false)
            }
            #expect(found?.status == expected)
        }
    }

    @Test func clocksMoveInTheirZone() throws {
        let books = try Fixture().books()
        let reading = try books.withStore(reaching: [2001]) { store in
            let first = try #require(try store.account(2001))
            #expect(!first.isFrozen)
            try store.note(
                "clock.advance", on: "account", 2001, of: 2001, by: Actor(name: "api-x", requestID: "r"))
            return try store.setClock(of: 2001, to: try #require(LocalDateTime("2027-03-01 10:00:00")))
        }
        #expect(reading.isFrozen)
        #expect(reading.moment.local.description == "2027-03-01 10:00:00")
        // 15:00 UTC in winter.
        #expect(reading.moment.now.microsecondsSince1970 == 1_803_913_200_000_000)
        #expect(try books.reading(reaching: [2002]) { try $0.account(2001) } == nil)
        #expect(throws: Refusal.self) {
            try books.withStore(reaching: [2002]) {
                _ = try $0.setClock(of: 2001, to: try #require(LocalDateTime("2027-03-01")))
            }
        }
    }
}

extension PlanParticulars {
    init(named name: String, amount: Int64 = 100) {
        self.init()
        self.name = name
        self.amount = Money(amount)
    }
}

extension PostgresStore {
    /// A monthly subscription from February 2024.
    func addSubscription(
        of customer: Identifier<Customer>, code: String? = nil, amount: Int64 = 100
    ) throws -> Identifier<Subscription> {
        try insertSubscription(
            account: 2001, customer: customer, code: code,
            terms: SubscriptionTerms(
                cycle: BillingCycle(.monthly), amount: Money(amount),
                firstBillingDate: CalendarDate(daysSince1970: 19_754)),
            paymentOption: nil, note: nil, at: Fixture.moment)
    }
}
