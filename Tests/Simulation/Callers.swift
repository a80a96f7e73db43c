import Domain

/// What callers ask for, drawn from what is there.
enum Callers {
    /// A new request; nil where what it needs is not there yet.
    static func next(_ simulation: Simulation) -> Request? {
        let make = simulation.world.draw.one(of: simulation.leanings)
        return make.flatMap { makers[$0](simulation) }
    }

    private static let makers: [@Sendable (Simulation) -> Request?] = [
        customer, option, subscription, payment, refund, reverse, record, adjustment, activity,
        changedOption, policy,
    ]
    private static let usual = [3, 6, 9, 24, 10, 9, 10, 14, 5, 6, 4]

    /// What the callers of one history ask for, and how often: each has leanings of its own, so that rare courses come together.
    static func leanings(from draw: inout Draw) -> [Int] {
        usual.enumerated().flatMap { place, weight in
            [Int](repeating: place, count: weight * (draw.one(of: [0, 1, 1, 2, 6]) ?? 1) + 1)
        }
    }

    private static func key(_ simulation: Simulation) -> String { "k\(simulation.world.next(.common))" }

    private static func someone(_ simulation: Simulation) -> Customer? {
        simulation.world.draw.one(of: simulation.books.state.customers.rows)
    }

    /// Mostly small amounts; all that the processor's table knows comes by.
    private static func amount(_ world: World) -> Money {
        Money(
            Int64(world.draw.chance(550) ? world.draw.number(500...6900) : world.draw.number(7000...17_500)))
    }

    private static func card(_ world: World) -> PaymentOptionForm {
        var form = PaymentOptionForm()
        form.accountAccessory = "1249"
        form.particulars.holderName = "A Holder"
        switch world.draw.number(0...9) {
        case 0...5:
            form.type = .visaCredit
            form.accountNumber = "4111111111111111"
        case 6:
            form.type = .visaCredit
            form.accountNumber = ProcessorRules.slowCard
        default:
            form.type = .checking
            form.accountNumber = world.draw.chance(300) ? ProcessorRules.movedAccount : "4099999992"
            form.accountAccessory = "021000021"
        }
        return form
    }

    static func customer(_ simulation: Simulation) -> Request? {
        let key = key(simulation)
        var form = CustomerForm()
        form.accountID = simulation.accountID
        form.code = key
        form.particulars.lastName = key
        if simulation.world.draw.chance(850) { form.paymentOptions = [card(simulation.world)] }
        if simulation.world.draw.chance(700) { form.subscriptions = [terms(simulation, key + "s")] }
        let asked = form
        let text = asked.subscriptions.first.map { ", \(Self.text($0))" } ?? ""
        return Request(key, "creates a customer\(text)") { simulation, request in
            try simulation.writing(request) { store in
                let made = try CreateCustomer(asked).execute(
                    in: store, reaching: [simulation.accountID], vault: simulation.vault,
                    by: simulation.actor)
                return "customer \(made.id)"
            }
        }
    }

    private static func terms(_ simulation: Simulation, _ code: String) -> SubscriptionForm {
        let world = simulation.world
        let today = simulation.books.state.moment.businessDate
        var form = SubscriptionForm()
        form.code = code
        form.note = code
        form.cycleUnit = world.draw.one(of: [.weekly, .monthly, .monthly, .monthly, .quarterly])
        form.interval = world.draw.chance(850) ? 1 : 2
        form.amount = world.draw.chance(30) ? .zero : amount(world)
        form.taxAmount = world.draw.chance(200) ? Money((form.amount?.minorUnits ?? 0) / 10) : .zero
        form.length = world.draw.chance(350) ? world.draw.number(1...8) : nil
        form.firstBillingDate = today.adding(days: world.draw.chance(600) ? 0 : world.draw.number(1...40))
        return form
    }

    private static func text(_ form: SubscriptionForm) -> String {
        "\(form.cycleUnit?.rawValue ?? "") × \(form.interval ?? 1), \(form.amount?.minorUnits ?? 0) from \(form.firstBillingDate?.description ?? ""), \(form.length?.description ?? "perpetual")"
    }

    private static func subscription(_ simulation: Simulation) -> Request? {
        guard let customer = someone(simulation) else { return nil }
        let key = key(simulation)
        let form = terms(simulation, key)
        return adjusting(
            simulation, key, customer, "creates a subscription of customer \(customer.id), \(text(form))"
        ) {
            state, store, simulation in
            let made = try CreateSubscription(form).execute(state, in: store, by: simulation.actor)
            return "subscription \(made.id)"
        }
    }

    private static func option(_ simulation: Simulation) -> Request? {
        guard let customer = someone(simulation) else { return nil }
        let key = key(simulation)
        var form = card(simulation.world)
        form.code = key
        form.particulars.isDefault = simulation.world.draw.chance(600)
        let asked = form
        return adjusting(simulation, key, customer, "creates an option of customer \(customer.id)") {
            state, store, simulation in
            let made = try CreatePaymentOption(asked).execute(
                state, in: store, vault: simulation.vault, by: simulation.actor)
            return "option \(made.id)"
        }
    }

    /// A request that is one transaction over a locked customer.
    private static func adjusting(
        _ simulation: Simulation, _ key: String, _ customer: Customer, _ label: String,
        _ body: @escaping (CustomerState, any Store, Simulation) throws -> String
    ) -> Request {
        Request(key, label) { simulation, request in
            try simulation.writing(request) { store in
                guard let state = try store.lockedCustomer(.id(customer.id.rawValue)) else {
                    throw Refusal(.notFound, "no such customer")
                }
                return try body(state, store, simulation)
            }
        }
    }

    private static func payment(_ simulation: Simulation) -> Request? {
        guard let customer = someone(simulation) else { return nil }
        let world = simulation.world
        let state = simulation.books.state
        let key = key(simulation)
        var asked = ProcessingRequest()
        asked.note = key
        asked.amount = amount(world)
        if world.draw.chance(300) { asked.code = key }
        let own = state.subscriptions.rows.map(\.subscription).filter { $0.customerID == customer.id }
        if world.draw.chance(450), let one = world.draw.one(of: own) {
            asked.subscription = .id(one.id.rawValue)
            if one.terms.amount > .zero { asked.amount = one.terms.amount }
        } else if world.draw.chance(400) {
            let debts = state.transactions.rows.filter {
                $0.customerID == customer.id && ($0.facts.type == .invoice || $0.facts.type.isFee)
            }.suffix(4)
            if let one = world.draw.one(of: Array(debts)) {
                asked.invoiceList = "\(one.id)"
                if one.balance > .zero { asked.amount = one.balance }
            }
        }
        if world.draw.chance(250) {
            let form = card(world)
            asked.accountNumber = form.accountNumber
            asked.accountAccessory = form.accountAccessory
            asked.accountType = form.type
            asked.holderName = "A Holder"
            asked.savePaymentOption = world.draw.chance(500)
        }
        let request = asked
        let amount = request.amount?.minorUnits ?? 0
        return Request(
            key,
            "pays \(amount) for customer \(customer.id), \(request.subscription?.description ?? request.invoiceList ?? "anything")"
        ) { simulation, sent in
            try simulation.moving(sent) {
                try ProcessPayment(
                    request, customer: .id(customer.id.rawValue), repeatable: sent.repeatable
                ).execute(
                    simulation.books, reaching: [simulation.accountID],
                    processors: { [processor = simulation.processor] _ in processor },
                    vault: simulation.vault,
                    by: simulation.actor)
            }
        }
    }

    private static func refund(_ simulation: Simulation) -> Request? {
        let world = simulation.world
        let payments = simulation.books.state.transactions.rows.filter {
            $0.facts.type == .payment || $0.facts.type == .claim
        }
        guard let payment = world.draw.one(of: payments) else { return nil }
        let key = key(simulation)
        var request = ProcessingRequest()
        request.type = .refund
        request.note = key
        if world.draw.chance(200) { request.code = key }
        request.source = .id(payment.id.rawValue)
        request.amount = Money(
            world.draw.chance(400)
                ? payment.facts.amount.minorUnits
                : Int64(world.draw.number(1...Int(payment.facts.amount.minorUnits))))
        let asked = request
        return Request(
            key, "refunds \(asked.amount?.minorUnits ?? 0) of \(payment.id), customer \(payment.customerID)"
        ) { simulation, sent in
            try simulation.moving(sent) {
                try RefundPayment(
                    asked, customer: .id(payment.customerID.rawValue), repeatable: sent.repeatable
                ).execute(
                    simulation.books, reaching: [simulation.accountID],
                    processors: { [processor = simulation.processor] _ in processor }, by: simulation.actor)
            }
        }
    }

    private static func reverse(_ simulation: Simulation) -> Request? {
        guard let one = simulation.world.draw.one(of: simulation.books.state.transactions.rows) else {
            return nil
        }
        let key = key(simulation)
        return Request(key, "reverses \(one.id), customer \(one.customerID)") { simulation, sent in
            try simulation.moving(sent) {
                try ReverseTransaction(
                    .id(one.id.rawValue), of: .id(one.customerID.rawValue), note: key,
                    repeatable: sent.repeatable
                ).execute(
                    simulation.books, reaching: [simulation.accountID],
                    processors: { [processor = simulation.processor] _ in processor }, by: simulation.actor)
            }
        }
    }

    private static func record(_ simulation: Simulation) -> Request? {
        guard let customer = someone(simulation) else { return nil }
        let world = simulation.world
        let key = key(simulation)
        var form = TransactionForm()
        form.note = key
        form.amount = amount(world)
        if world.draw.chance(300) { form.code = key }
        switch world.draw.number(0...9) {
        case 0, 1: form.type = .invoice
        case 2, 3: form.type = .credit
        case 4: form.type = .serviceFee
        case 5:
            form.type = .writeOff
            form.accountType = .writeOff
        case 6:
            form.type = .refund
            form.accountType = .cash
            let payments = simulation.books.state.transactions.rows.filter {
                $0.customerID == customer.id && $0.facts.type == .payment
            }
            if world.draw.chance(600), let payment = world.draw.one(of: payments) {
                form.source = .id(payment.id.rawValue)
                form.amount = Money(Int64(world.draw.number(1...Int(payment.facts.amount.minorUnits))))
            }
        default:
            form.type = .payment
            form.accountType = world.draw.one(of: [.cash, .check, .external, .allowance])
        }
        let asked = form
        let label = "records \(asked.type?.rawValue ?? "") of \(asked.amount?.minorUnits ?? 0)"
        return adjusting(simulation, key, customer, "\(label), customer \(customer.id)") {
            state, store, simulation in
            let made = try RecordTransaction(asked).execute(state, in: store, by: simulation.actor)
            return "transaction \(made.id)"
        }
    }

    private static func adjustment(_ simulation: Simulation) -> Request? {
        let world = simulation.world
        let rows = simulation.books.state.subscriptions.rows
        guard let one = world.draw.one(of: rows)?.subscription,
            let customer = simulation.books.state.customers[one.customerID.rawValue]
        else { return nil }
        let key = key(simulation)
        let today = simulation.books.state.moment.businessDate
        let reference = Reference.id(one.id.rawValue)
        let kind = world.draw.number(0...9)
        let ahead = world.draw.number(0...3)
        let length = world.draw.number(1...3)
        let next = one.progress.nextBillingDate ?? today
        let date =
            world.draw.chance(500)
            ? next
            : one.terms.cycle.date(of: one.progress.nextCycle + ahead, from: one.terms.firstBillingDate)
        let label = ["cancel", "freeze", "freeze", "freeze", "pause", "pause"]
        let name = kind < label.count ? label[kind] : "resume"
        let text = "\(name)s subscription \(one.id) \(kind < 6 ? "from \(date)" : "")"
        return adjusting(simulation, key, customer, text) { state, store, simulation in
            let made =
                switch name {
                case "cancel":
                    try CancelSubscription(effectiveDate: date, note: key)
                        .execute(reference, state, in: store, by: simulation.actor)
                case "freeze":
                    try FreezeSubscription(effectiveDate: date, length: length, note: key)
                        .execute(reference, state, in: store, by: simulation.actor)
                case "pause":
                    try PauseSubscription(effectiveDate: length == 1 ? nil : date, note: key)
                        .execute(reference, state, in: store, by: simulation.actor)
                default:
                    try ResumeSubscription(note: key)
                        .execute(reference, state, in: store, by: simulation.actor)
                }
            return "\(name) subscription \(made.id)"
        }
    }

    private static func activity(_ simulation: Simulation) -> Request? {
        guard let customer = someone(simulation) else { return nil }
        let isActive = customer.status == .inactive || simulation.world.draw.chance(300)
        let label = "makes customer \(customer.id) \(isActive ? "active" : "inactive")"
        return adjusting(simulation, key(simulation), customer, label) { state, store, simulation in
            var form = CustomerForm(state.customer)
            form.isActive = isActive
            _ = try ModifyCustomer(form).execute(state, in: store, by: simulation.actor)
            return "customer \(customer.id)"
        }
    }

    private static func changedOption(_ simulation: Simulation) -> Request? {
        let world = simulation.world
        let rows = simulation.books.state.options.rows.filter { !$0.isErased }
        guard let option = world.draw.one(of: rows)?.option,
            let customer = simulation.books.state.customers[option.customerID.rawValue]
        else { return nil }
        let erases = world.draw.chance(300)
        let isActive = world.draw.chance(750)
        let isDefault = world.draw.chance(500)
        let label = erases ? "erases option \(option.id)" : "changes option \(option.id)"
        return adjusting(simulation, key(simulation), customer, label) { state, store, simulation in
            let reference = Reference.id(option.id.rawValue)
            guard
                let found = try store.paymentOption(
                    of: customer.id, account: simulation.accountID, reference)
            else { throw Refusal(.notFound, "no such option") }
            if erases {
                try ErasePaymentOption(found).execute(state, in: store, by: simulation.actor)
                return "option \(option.id)"
            }
            var form = PaymentOptionForm(found)
            form.particulars.isActive = isActive
            form.particulars.isDefault = found.particulars.isDefault || isDefault
            _ = try ModifyPaymentOption(found, form).execute(
                state, in: store, vault: simulation.vault, by: simulation.actor)
            return "option \(option.id)"
        }
    }

    private static func policy(_ simulation: Simulation) -> Request? {
        var changed = simulation.books.state.account
        Policies.draw(&changed, from: &simulation.world.draw)
        let asked = changed
        return Request(key(simulation), "changes the policy: \(Policies.text(asked))") {
            simulation, request in
            try simulation.writing(request) { store in
                guard let state = try store.lockedAccount(simulation.accountID) else {
                    throw Refusal(.notFound, "no account")
                }
                var wanted = asked
                wanted.policyVersion = state.account.policyVersion
                _ = try ModifyMerchantAccount(state.account, wanted).execute(
                    in: store, processors: ["sandbox"], nearest: { _, _ in nil }, by: simulation.actor)
                return "account"
            }
        }
    }
}
