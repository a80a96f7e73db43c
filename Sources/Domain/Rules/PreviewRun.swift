/// What one customer owes, has to its credit and has agreed to: where a preview begins.
public struct CustomerOutlook: Sendable {
    /// A subscription that goes on.
    public struct Agreement: Sendable {
        public var id: Identifier<Subscription>
        public var course: SubscriptionCourse
        /// What the run charges: its own option while that is active, else the customer's default; may be inactive.
        public var option: PaymentOption?

        /// A subscription with its option.
        public init(id: Identifier<Subscription>, course: SubscriptionCourse, option: PaymentOption?) {
            self.id = id
            self.course = course
            self.option = option
        }
    }

    public var customerID: Identifier<Customer>
    public var agreements: [Agreement] = []
    /// Open debts and unused credits.
    public var items: [OpenItem] = []
    /// Where the collecting of the open invoices stands.
    public var collections: [InvoiceCollection] = []
    /// What is at the processor: it is taken to be approved.
    public var attempts: [OpenAttempt] = []
    /// What age has led to with the open invoices.
    public var aged: [AgedInvoice] = []

    /// The day by which no payment waits for a first bill any more, as far as is known; nil when none does.
    var lastAwaited: CalendarDate? {
        let held = Set(items.compactMap(\.heldFor) + attempts.compactMap(\.heldFor))
        return agreements.filter { held.contains($0.id) }.flatMap { one in
            [one.course.progress.nextBillingDate].compactMap { $0 }
                + one.course.adjustments.compactMap { Schedule.event(of: $0, terms: one.course.terms) }
        }.max()
    }

    /// A customer of whom nothing is known yet.
    public init(of customer: Identifier<Customer>) { customerID = customer }
}

/// The billing run over a copy of one customer, day by day, all that is asked of the processor approved (spec 1.4 ~preview). Pure.
///
/// The run's own rules: ``Schedule`` and ``BillSubscriptions`` make the charges, ``Balancing`` uses the credit, ``CollectInvoices`` decides
/// what is attempted, ``Settling`` what becomes of it, ``Ageing`` adds late fees. Days on which nothing happens are passed over.
struct PreviewRun {
    private let policy: MerchantAccount
    private let customer: Identifier<Customer>
    /// The subscription that is asked about; the others matter as far as they use credit or have fees.
    private let subject: Identifier<Subscription>
    private var agreements: [CustomerOutlook.Agreement]
    private var options: [Identifier<Subscription>: PaymentOption] = [:]
    private var items: [Identifier<Transaction>: OpenItem]
    private var collections: [Identifier<Transaction>: InvoiceCollection]
    private var aged: [Identifier<Transaction>: AgedInvoice]
    private var attempts: [OpenAttempt]
    private var lastID = Int64(1) << 60
    /// How much work is left to be done for the others, in subscriptions and open items looked at: beyond, they are left out of
    /// account.
    private var patience = 100_000

    /// What the run asked for with each invoice.
    private(set) var collected: [Identifier<Transaction>: Money] = [:]
    /// The invoices made of the subject, by cycle.
    private(set) var invoices: [Int: Identifier<Transaction>] = [:]

    init(_ outlook: CustomerOutlook, of subject: Identifier<Subscription>, under policy: MerchantAccount) {
        self.policy = policy
        self.subject = subject
        customer = outlook.customerID
        agreements = outlook.agreements
        items = Dictionary(uniqueKeysWithValues: outlook.items.map { ($0.id, $0) })
        collections = Dictionary(uniqueKeysWithValues: outlook.collections.map { ($0.invoiceID, $0) })
        aged = Dictionary(uniqueKeysWithValues: outlook.aged.map { ($0.id, $0) })
        attempts = outlook.attempts
        for agreement in agreements { options[agreement.id] = agreement.option }
    }

    /// Runs on this day and on every later one on which something happens, through the last.
    mutating func run(from today: CalendarDate, through last: CalendarDate) {
        var day = today
        settle(attempts, on: day)
        while true {
            run(on: day)
            patience -= agreements.count + items.count
            if patience < 0 || isAlone { leaveOthersOut() }
            guard let next = nextDay(after: day), next <= last else { return }
            day = next
        }
    }

    private mutating func run(on day: CalendarDate) {
        while bill(on: day, asAdjusting: true) {}
        while bill(on: day, asAdjusting: false) {}
        while collect(on: day) {}
        age(on: day)
    }

    /// Whether the subscriptions go their own ways from here on: nothing is open or unused, no fee is to come, and each invoice will
    /// be collected by itself, in whole.
    private var isAlone: Bool {
        items.isEmpty
            && agreements.allSatisfy { one in
                one.option?.particulars.isActive == true
                    && !one.course.adjustments.contains { $0.state == .pending }
                    && (one.course.progress.billedCount > 0 || policy.enrollmentFee == .zero)
            }
    }

    /// From here on the others neither bill nor age, and no payment waits for them. What they are owed a fee for goes along all the
    /// same.
    private mutating func leaveOthersOut() {
        let held = openItems.filter { $0.heldFor != nil && $0.heldFor != subject }
        for credit in held { items[credit.id] = nil }
        agreements.removeAll { $0.id != subject }
        items = items.filter { $1.type != .invoice || $1.subscriptionID == subject }
        collections = collections.filter { items[$0.key] != nil }
    }

    private func nextDay(after day: CalendarDate) -> CalendarDate? {
        var days: [CalendarDate] = []
        for agreement in agreements {
            if let date = agreement.course.progress.nextBillingDate {
                days.append(date.adding(days: -policy.invoiceLeadDays))
            }
            days += agreement.course.adjustments.compactMap {
                Schedule.event(of: $0, terms: agreement.course.terms)
            }
        }
        days += collections.values.compactMap(\.collectOn)
        for item in items.values where item.type == .invoice {
            let age = aged[item.id]
            if policy.lateFeeAmount > .zero, age?.hasLateFee != true {
                days.append(item.dueDate.adding(days: policy.lateFeeGraceDays))
            }
            if policy.writeOffDays > 0, age?.wasWrittenOff != true {
                days.append(item.dueDate.adding(days: policy.writeOffDays))
            }
        }
        return days.filter { $0 > day }.min()
    }

    // MARK: Adjustments, invoicing and balancing

    private mutating func bill(on day: CalendarDate, asAdjusting: Bool) -> Bool {
        func dueDate(_ course: SubscriptionCourse) -> CalendarDate? {
            asAdjusting
                ? course.adjustments.compactMap { Schedule.event(of: $0, terms: course.terms) }.min()
                : course.progress.nextBillingDate?.adding(days: -policy.invoiceLeadDays)
        }
        let due = agreements.indices.compactMap { index in
            dueDate(agreements[index].course).flatMap { $0 <= day ? ($0, agreements[index].id, index) : nil }
        }.sorted { ($0.0, $0.1) < ($1.0, $1.1) }
        guard !due.isEmpty else { return false }
        let billing = BillSubscriptions(account: policy, moment: moment(day))
        let open = openItems
        var drafts: [BillSubscriptions.Draft] = []
        var awaited: Set<Identifier<Subscription>> = []
        var didMove = false
        for (_, id, index) in due {
            let subscription = DueSubscription(id: id, customerID: customer, course: agreements[index].course)
            guard let advanced = billing.advance(subscription) else { continue }
            if agreements[index].course.progress.awaitsFirstBill, !advanced.after.progress.awaitsFirstBill {
                awaited.insert(id)
            }
            agreements[index].course = advanced.after
            drafts += advanced.made
            didMove = true
        }
        var made: [OpenItem] = []
        for draft in drafts {
            let id = newID()
            made.append(draft.openItem(id))
            guard draft.facts.type == .invoice else { continue }
            collections[id] = InvoiceCollection(
                invoiceID: id, customerID: customer, subscriptionID: draft.facts.subscriptionID, state: .due,
                collectOn: draft.facts.dueDate)
            if draft.facts.subscriptionID == subject, let cycle = draft.facts.cycleNumber {
                invoices[cycle] = id
            }
        }
        guard !made.isEmpty || !awaited.isEmpty else { return didMove }
        for item in made { items[item.id] = item }
        use(
            billing.balance(
                debts: open.filter(\.type.isDebt) + made, credits: open.filter { !$0.type.isDebt },
                awaited: awaited))
        return didMove
    }

    // MARK: Collecting

    private mutating func collect(on day: CalendarDate) -> Bool {
        let owesNothing = balance <= .zero
        let due = collections.values
            .filter { $0.state == .due && $0.collectOn.map { $0 <= day } == true }
            .filter { !owesNothing || items[$0.invoiceID] == nil }
            .sorted { ($0.collectOn ?? day, $0.invoiceID) < ($1.collectOn ?? day, $1.invoiceID) }
        guard !due.isEmpty else { return false }
        var collecting = CollectInvoices(
            state: AccountState(account: policy, moment: moment(day), isFrozen: true), items: openItems,
            open: [])
        let changes = collecting.execute(
            due.map { collection in
                DueCollection(
                    collection: collection, left: items[collection.invoiceID]?.left ?? .zero,
                    invoiceDueDate: day, customerBalance: balance, customerStatus: .active,
                    option: collection.subscriptionID.flatMap { options[$0] })
            }, ids: due.map { _ in newID() })
        for collection in changes.collections { put(collection) }
        settle(
            changes.attempts.map {
                OpenAttempt(
                    id: $0.transactionID.rawValue, facts: $0, businessDate: day, isShownPending: false)
            }, on: day)
        return !changes.collections.isEmpty
    }

    /// All of what was asked for comes.
    private mutating func settle(_ attempts: [OpenAttempt], on day: CalendarDate) {
        let collecting = attempts.filter(\.facts.kind.collects)
        guard !collecting.isEmpty else { return }
        let moment = moment(day)
        var settling = Settling(
            account: policy, changes: BookChanges(under: policy, at: moment), balances: Balances(openItems))
        settling.collections = collections
        settling.begun = Set(collected.keys)
        settling.feeIDs = collecting.map { _ in newID() }
        for attempt in collecting {
            if let invoice = attempt.facts.invoiceID {
                collected[invoice, default: .zero] += attempt.facts.amount
            }
            settling.settle(
                attempt,
                ProcessorResponse(
                    code: "A01", message: "", approvalCode: nil, gatewayTransactionID: "",
                    approvedAmount: attempt.facts.amount, date: moment.now))
        }
        settling.balances.balance(by: policy.balancingAlgorithm)
        take(settling.finish())
    }

    // MARK: Age

    private mutating func age(on day: CalendarDate) {
        guard policy.lateFeeAmount > .zero || policy.writeOffDays > 0 else { return }
        let old = items.values.filter { $0.type == .invoice }
            .sorted { ($0.dueDate, $0.id) < ($1.dueDate, $1.id) }
            .map { item in
                aged[item.id]
                    ?? AgedInvoice(
                        id: item.id, customerID: customer, subscriptionID: item.subscriptionID,
                        dueDate: item.dueDate, hasLateFee: false, wasWrittenOff: false)
            }
        guard !old.isEmpty else { return }
        var ageing = Ageing(
            state: AccountState(account: policy, moment: moment(day), isFrozen: true),
            balances: Balances(openItems))
        ageing.execute(old, ids: old.flatMap { _ in [newID(), newID()] })
        for invoice in old {
            var invoice = invoice
            for made in ageing.changes.transactions where made.facts.sourceID == invoice.id {
                if made.facts.type == .lateFee {
                    invoice.hasLateFee = true
                } else {
                    invoice.wasWrittenOff = true
                }
            }
            aged[invoice.id] = invoice
        }
        var changes = ageing.changes
        changes.take(ageing.balances)
        take(changes)
        for id in ageing.writtenOff { collections[id] = nil }
    }

    // MARK: The books

    private func moment(_ day: CalendarDate) -> Moment {
        Moment(now: Timestamp(microsecondsSince1970: 0), local: LocalDateTime(date: day))
    }

    /// What the customer owes.
    private var balance: Money {
        items.values.reduce(Money.zero) { $1.type.isDebt ? $0 + $1.left : $0 - $1.left }
    }

    private mutating func newID() -> Identifier<Transaction> {
        lastID += 1
        return Identifier(lastID)
    }

    /// What is open and unused; a payment for a subscription that was never billed waits for that (spec 5.9).
    private var openItems: [OpenItem] {
        let awaited = awaited
        return items.values.map { item in
            var item = item
            item.heldFor = item.heldFor.flatMap { awaited.contains($0) ? $0 : nil }
            return item
        }.sorted { $0.id < $1.id }
    }

    /// The subscriptions whose first bill is still to come.
    private var awaited: Set<Identifier<Subscription>> {
        Set(agreements.filter(\.course.progress.awaitsFirstBill).map(\.id))
    }

    private mutating func take(_ changes: BookChanges) {
        for made in changes.transactions {
            items[made.id] = OpenItem(made.id, of: customer, made.facts)
            items[made.id]?.heldFor = made.facts.isForSubscription ? made.facts.subscriptionID : nil
        }
        use(changes.allocations)
        for collection in changes.collections { put(collection) }
    }

    private mutating func use(_ allocations: [NewAllocation]) {
        for allocation in allocations {
            for id in [allocation.sourceID, allocation.targetID] {
                items[id]?.left -= allocation.amount
                if items[id]?.left == .zero { items[id] = nil }
            }
        }
    }

    /// Closed ones are of no account any more.
    private mutating func put(_ collection: InvoiceCollection) {
        collections[collection.invoiceID] = collection.state == .closed ? nil : collection
    }
}
