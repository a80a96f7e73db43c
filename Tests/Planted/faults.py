"""The planted faults: what a program of this field gets wrong, each as a small change of the sources.

`changes` are triples of a file, what stands there exactly once, and what stands there instead; `PLANTED` is whether the fault is on.
`live` marks files that are read when the tests run; those faults are written just for their run. `tests` are the suites that are run.
"""

ACTIONS = "Sources/Domain/Actions/"
RULES = "Sources/Domain/Rules/"
STORES = "Sources/Persistence/Stores/"
EVENTS = "EventTests|ScenarioTests"


def one(name, file, old, new, tests, **more):
    """A fault in one place."""
    return dict(name=name, changes=[(file, old, new)], tests=tests, **more)


def schema(name, sql, tests):
    """A fault in the schema: this SQL comes after the migrations."""
    return dict(name=name, sql=sql, changes=[], tests=tests)


ALL = [
    # Exactly once.
    one("a settled attempt is settled again", STORES + "BillingStore.swift",
        "         where p.outcome = 'open'\n        \"\"\")\n    private static let wanted",
        "         where \\(PLANTED ? \"true\" : \"p.outcome = 'open'\")\n        \"\"\")\n    private static let wanted",
        "BillingStoreTests|UnknownOutcomeTests|ExactlyOnceTests|AttemptTests"),
    one("an attempt with an unknown outcome does not keep others away", ACTIONS + "ProcessPayment.swift",
        "        for attempt in attempts where attempt.facts.kind.collects {\n            if let both",
        "        for attempt in attempts where attempt.facts.kind.collects && !PLANTED {\n            if let both",
        "UnknownOutcomeTests|ExactlyOnceTests|AttemptTests"),
    one("the run collects what an attempt is open for", ACTIONS + "CollectInvoices.swift",
        "if item.customerStatus == .inactive || isBeingPaid(collection) { continue }",
        "if item.customerStatus == .inactive || (isBeingPaid(collection) && !PLANTED) { continue }",
        "ExactlyOnceTests|UnknownOutcomeTests|AttemptTests|CollectInvoicesTests"),
    one("what is sent again gets a new key", ACTIONS + "RecoverOutcomes.swift",
        "        let answers = processor.submit(orders.map(\\.order))\n",
        "        let answers = processor.submit(\n            orders.map {\n                var order = $0.order\n                if PLANTED { order.key += \"b\" }\n                return order\n            })\n",
        "UnknownOutcomeTests|AttemptTests|ExactlyOnceTests"),
    one("unknown outcomes are never asked for", ACTIONS + "RecoverOutcomes.swift",
        "            guard !attempts.isEmpty, let state = try store.account(account) else { return nil }\n            return (state, attempts)",
        "            guard !attempts.isEmpty, !PLANTED, let state = try store.account(account) else { return nil }\n            return (state, attempts)",
        "UnknownOutcomeTests|AttemptTests"),
    one("a payment's Idempotency-Key is not kept with it", ACTIONS + "ProcessPayment.swift",
        "        guard let repeatable else { return }\n        try store.note(repeatable, became: id",
        "        guard let repeatable, !PLANTED else { return }\n        try store.note(repeatable, became: id",
        "UnknownOutcomeTests|AttemptTests|ExactlyOnceTests|PermutationTests|InterfaceTests"),
    one("another request under a used key gets the first one's answer", STORES + "RepetitionStore.swift",
        "guard row.bytes(0) == request.fingerprint else {", "guard row.bytes(0) == request.fingerprint || PLANTED else {",
        "InterfaceTests|StoreTests|FailureTests|PermutationTests"),
    one("a commit whose answer was lost is tried again", "Sources/Persistence/Books/PostgresBooks.swift",
        "} else if failure.kind == .connectionLost, !reconnected {",
        "} else if failure.kind == .connectionLost || (failure.kind == .outcomeUnknown && PLANTED), !reconnected {",
        "BooksTests|StoreTests|ChaosTests"),
    one("nginx sends a request to another worker when one dies", "deploy/nginx.conf",
        "        fastcgi_next_upstream off;\n", "        fastcgi_next_upstream error timeout non_idempotent;\n",
        "StackTests|ChaosTests|DisturbanceTests", live=True),
    one("a request cut short is executed", "Sources/Pool/FastCGI/Exchange.swift",
        'guard body.count == length else { return .cutShort("body shorter than its length") }',
        'guard body.count == length || PLANTED else { return .cutShort("body shorter than its length") }',
        "WorkerTests|RecordGuardTests|OutsideTests"),
    one("a leaving worker closes the connections that nginx keeps", "Sources/Pool/FastCGI/WorkerLoop.swift",
        "        if connections.isEmpty || now >= endsAt { return true }",
        "        if connections.isEmpty || now >= endsAt || PLANTED { return true }",
        "DisturbanceTests|WorkerTests|MasterTests"),
    one("a notice taken over before has its effect again", ACTIONS + "TakeNotices.swift",
        "guard try !store.hasNotice(notice.id, of: processor.name, account: account) else { return true }",
        "guard try PLANTED || !store.hasNotice(notice.id, of: processor.name, account: account) else { return true }",
        "NoticeTests|" + EVENTS),
    one("what is given up is not withdrawn at the processor", ACTIONS + "RecoverOutcomes.swift",
        "        known = withdrawn(known)\n", "        if !PLANTED { known = withdrawn(known) }\n",
        "UnknownOutcomeTests|ExactlyOnceTests"),
    # Dates.
    one("billing dates are reckoned from the bill before", "Sources/Domain/Values/BillingCycle.swift",
        "        case .monthly: first.adding(months: steps)\n",
        "        case .monthly where PLANTED: (0..<max(0, number - 1)).reduce(first) { date, _ in date.adding(months: interval) }\n"
        "        case .monthly: first.adding(months: steps)\n",
        "BillingCycleTests|VectorTests|" + EVENTS),
    one("February has 29 days in 2100", "Sources/Domain/Values/CalendarDate.swift",
        "        case 2: isLeap(year) ? 29 : 28\n", "        case 2: PLANTED ? (year % 4 == 0 ? 29 : 28) : isLeap(year) ? 29 : 28\n",
        "CalendarDateTests"),
    one("the business date is UTC's", STORES + "AccountStore.swift",
        "               coalesce(a.clock_at, now()) at time zone a.time_zone at time zone 'UTC' as wall_clock,",
        "               coalesce(a.clock_at, now()) at time zone \\(PLANTED ? \"'UTC'\" : \"a.time_zone\") at time zone 'UTC' as wall_clock,",
        "TimeTests|MidnightTests|ClockChangeTests"),
    one("a retry is made a day late", ACTIONS + "SettleAttempts.swift",
        "            collectOn = date.adding(days: retryDays[retries])\n",
        "            collectOn = date.adding(days: retryDays[retries] + (PLANTED ? 1 : 0))\n",
        "RetryTests|" + EVENTS),
    one("a late fee is charged a day early", RULES + "Fees.swift",
        "policy.lateFeeAmount > .zero && due.adding(days: policy.lateFeeGraceDays) <= date",
        "policy.lateFeeAmount > .zero && due.adding(days: policy.lateFeeGraceDays - (PLANTED ? 1 : 0)) <= date",
        "LateFeeTests|" + EVENTS),
    one("a frozen cycle is billed", RULES + "Schedule.swift",
        "        if let freeze = deciding.first(where: { $0.kind == .freeze }) {\n",
        "        if let freeze = deciding.first(where: { $0.kind == .freeze }), !PLANTED {\n",
        "ScheduleTests|VectorTests|" + EVENTS),
    one("a cycle after a long outage is passed over", RULES + "Schedule.swift",
        "            course.progress.nextCycle = charge.cycleNumber + 1\n",
        "            course.progress.nextCycle = charge.cycleNumber + (PLANTED && charge.cycleNumber == 2 ? 2 : 1)\n",
        "ScheduleTests|" + EVENTS),
    # Amounts.
    one("a partial approval counts as the whole", ACTIONS + "SettleAttempts.swift",
        "        facts.amount = min(response.approvedAmount, facts.amount)\n",
        "        if !PLANTED { facts.amount = min(response.approvedAmount, facts.amount) }\n",
        "AttemptTests|MoneyBackTests|" + EVENTS),
    one("refunds are not counted together", ACTIONS + "RefundPayment.swift",
        "guard amount <= source.left else {", "guard amount <= (PLANTED ? source.facts.amount : source.left) else {",
        "MoneyBackTests|ReversalTests|" + EVENTS),
    one("more is collected than the customer owes", ACTIONS + "CollectInvoices.swift",
        "let amount = min(along.reduce(item.left) { $0 + $1.left }, limit, .transactionLimit)",
        "let amount = min(along.reduce(item.left) { $0 + $1.left }, PLANTED ? .transactionLimit : limit, .transactionLimit)",
        "CollectInvoicesTests|ExactlyOnceTests|" + EVENTS),
    one("an open fee goes along with two invoices", ACTIONS + "CollectInvoices.swift",
        "            fees.removeAll { fee in along.contains { $0.id == fee.id } }\n",
        "            if !PLANTED { fees.removeAll { fee in along.contains { $0.id == fee.id } } }\n",
        "CollectInvoicesTests|" + EVENTS),
    one("the newest debt is paid first", RULES + "Balancing.swift",
        "        (left.dueDate, left.id) < (right.dueDate, right.id)\n",
        "        PLANTED ? (left.dueDate, left.id) > (right.dueDate, right.id) : (left.dueDate, left.id) < (right.dueDate, right.id)\n",
        "BalancingTests|BalancingVectorTests|" + EVENTS),
    one("allocations end oldest first", RULES + "Balances.swift",
        "            .sorted { $0.id > $1.id }\n        let ordinary",
        "            .sorted { PLANTED ? $0.id < $1.id : $0.id > $1.id }\n        let ordinary",
        "ReversalTests|MoneyBackTests|" + EVENTS),
    one("a payment at signing pays another invoice", RULES + "Balancing.swift",
        "            guard credit.heldFor == nil else { continue }\n", "            guard credit.heldFor == nil || PLANTED else { continue }\n",
        "BalancingTests|ExactlyOnceTests|" + EVENTS),
    one("a hard decline is taken for a soft one", RULES + "Responses.swift",
        "        case \"D02\", \"D04\", \"D05\",", "        case \"D02\", \"D04\", PLANTED ? \"-\" : \"D05\",",
        "ResponseTests|" + EVENTS),
    # Who decides.
    one("an inactive customer is collected from", ACTIONS + "CollectInvoices.swift",
        "            // Of an inactive customer nothing is collected (spec 2.1 isActive); it stays due.\n",
        "            if item.customerStatus == .inactive, PLANTED, let option = item.option, let id = Optional(id) {\n"
        "                var attempt = NewAttempt(charging: option, amount: item.left, transactionID: id, dueDate: state.moment.businessDate)\n"
        "                attempt.invoiceID = collection.invoiceID\n"
        "                attempt.creatorCode = RunBilling.actor\n"
        "                changes.attempts.append(attempt)\n"
        "            }\n",
        "CollectInvoicesTests|" + EVENTS),
    one("a written-off invoice is written off again after that was reversed", ACTIONS + "AgeInvoices.swift",
        "on: today, by: policy) && !invoice.wasWrittenOff\n", "on: today, by: policy) && (PLANTED || !invoice.wasWrittenOff)\n",
        EVENTS),
    one("what a chargeback opened again is collected by the run", ACTIONS + "TakeNotices.swift",
        "        undoing.balances.balance(by: state.account.balancingAlgorithm)\n        taken.transactionID = undoing.id\n        try undoing.write(in: store)\n    }\n\n    /// The bank",
        "        undoing.balances.balance(by: state.account.balancingAlgorithm)\n        taken.transactionID = undoing.id\n        if PLANTED { return try store.write(undoing.changes) }\n        try undoing.write(in: store)\n    }\n\n    /// The bank",
        "NoticeTests|" + EVENTS),
    # The database.
    schema("two invoices of one cycle are possible", "drop index if exists billing.transactions_one_invoice_a_cycle; "
           "alter table billing.transactions drop constraint if exists transactions_one_invoice_a_cycle",
           "ConstraintTests|CatalogueAttackTests"),
    schema("two open attempts of one invoice are possible", "drop index billing.attempts_one_open_an_invoice",
           "ConstraintTests|CatalogueAttackTests"),
    schema("the jobs role may change the ledger", "grant update, delete on billing.ledger_entries to billing_jobs; "
           "alter table billing.ledger_entries disable trigger user", "ConstraintTests|CatalogueAttackTests|SessionAttackTests"),
    schema("one merchant account sees another's transactions", "alter table billing.transactions disable row level security",
           "ReachTests|StoreTests|ConstraintTests|TenantTests"),
    schema("refunds may exceed their payment", "drop trigger refunds_within_payment on billing.transactions",
           "ConstraintTests|SessionAttackTests|CatalogueAttackTests"),
]
