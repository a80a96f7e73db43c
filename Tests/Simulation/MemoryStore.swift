import Domain

/// What one transaction sees and changes: a copy of the state, with the meaning that the tables and constraints give it.
///
/// One file a port. Every call is a point at which the process may end.
final class MemoryStore: Store {
    var state: MemoryState
    let world: World
    let accounts: [Int64]

    /// All of it is at hand anyway.
    func foresee(_ readings: [ForeseenReading], account: Int64) {}

    /// The invoices of cycles that this transaction made.
    var invoiced: [Int64] = []

    init(_ state: MemoryState, in world: World, reaching accounts: [Int64]) {
        self.state = state
        self.world = world
        self.accounts = accounts
    }

    /// A call of the store: the process may end before it.
    func call() throws { try world.point(.crashInStore) }

    /// What only the commit can judge.
    func checkAtCommit() throws { try refuseInvoicesOutOfStep() }
}

extension MemoryStore {
    func account(_ id: Int64) throws -> AccountState? {
        try call()
        return accounts.contains(id) && id == state.account.id ? state.accountState : nil
    }

    func lockedAccount(_ id: Int64) throws -> AccountState? { try account(id) }

    func merchantAccounts(_ page: Page) throws -> Found<MerchantAccount> {
        try call()
        return Found([state.account], page: page)
    }

    func updateAccount(_ account: MerchantAccount) throws {
        try call()
        var account = account
        account.policyVersion = state.account.policyVersion + 1
        state.account = account
    }

    func timeZones() throws -> [String] { ["UTC"] }

    func setClock(of account: Int64, to local: LocalDateTime) throws -> AccountState {
        try call()
        state.clock = Int64(local.date.daysSince1970) * 86_400 + Int64(local.secondOfDay)
        state.isFrozen = true
        return state.accountState
    }

    func note(_ action: String, on object: String, _ id: Int64, of account: Int64, by actor: Actor) throws {
        try call()
        state.notes += 1
    }

    func ledgerEntries(
        _ range: LedgerRange, after: LedgerPosition?, offset: Int, limit: Int
    ) throws -> [LedgerEntry] {
        try call()
        return zip(state.lines.ids, state.lines.rows).flatMap { id, lines -> [LedgerEntry] in
            guard let transaction = state.transactions[id] else { return [] }
            return lines.enumerated().map { index, line in
                LedgerEntry(
                    date: transaction.createDate.date, accountID: range.accountID,
                    customerID: transaction.customerID, transactionID: transaction.id, line: index + 1,
                    type: transaction.facts.type, code: transaction.facts.code,
                    sourceID: transaction.facts.sourceID, move: line)
            }
        }
    }
}

extension MemoryStore {
    /// A row by its number or its code.
    func match<Row>(_ table: Table<Row>, _ reference: Reference, code: (Row) -> String?) -> Row? {
        switch reference {
        case .id(let id): table[id]
        case .code(let text):
            table.rows.first { code($0) == text }
                ?? Int64(text).flatMap { table[$0] }.flatMap { code($0) == nil ? $0 : nil }
        }
    }

    func plan(_ reference: Reference) throws -> Plan? {
        try call()
        return match(state.plans, reference) { $0.code }
    }

    func lockedPlan(_ reference: Reference) throws -> Plan? { try plan(reference) }
    func plan(_ reference: Reference, of account: Int64) throws -> Plan? { try plan(reference) }

    func plans(_ filter: PlanFilter, _ page: Page) throws -> Found<Plan> {
        try call()
        return Found(state.plans.rows, page: page)
    }

    func insertPlan(
        account: Int64, code: String?, _ particulars: PlanParticulars, at moment: Moment
    ) throws -> Identifier<Plan> {
        try call()
        try refuseCode(code, "plan", state.plans.rows.first { code != nil && $0.code == code }?.id.rawValue)
        let id = Identifier<Plan>(world.next(.common))
        state.plans[id.rawValue] = Plan(
            id: id, accountID: account, code: code, createDate: moment.local, particulars: particulars,
            version: 1)
        return id
    }

    func updatePlan(_ plan: Plan, _ particulars: PlanParticulars) throws {
        try call()
        state.plans.change(plan.id.rawValue) {
            $0.particulars = particulars
            $0.version += 1
        }
    }

    /// V29 where the code is somebody's.
    func refuseCode(_ code: String?, _ what: String, _ owner: Int64?) throws {
        guard let code, let owner else { return }
        throw Refusal(.duplicate, "a \(what) with the code \(code) exists already: \(owner)", field: "code")
    }
}

extension MemoryStore {
    func begin(_ request: RepeatableRequest) throws -> Repetition? {
        try call()
        guard let row = state.keys[request.key] else {
            state.keys[request.key] = KeyRow(fingerprint: request.fingerprint)
            return nil
        }
        guard row.fingerprint == request.fingerprint else {
            throw Refusal(.idempotencyKeyReused, "this Idempotency-Key was used before with another request")
        }
        if let answer = row.answer { return .answered(answer) }
        if let became = row.became {
            return .became(became.id, customer: became.customer, account: state.account.id)
        }
        throw FirstStillRunning()
    }

    func note(
        _ request: RepeatableRequest, became id: Identifier<Transaction>, of customer: Identifier<Customer>,
        account: Int64
    ) throws {
        try call()
        state.keys[request.key]?.became = (id, customer)
    }

    func note(_ request: RepeatableRequest, answered answer: FirstAnswer) throws {
        try call()
        if state.keys[request.key]?.answer == nil { state.keys[request.key]?.answer = answer }
    }
}
