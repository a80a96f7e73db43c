public import Domain
internal import Postgres

extension PostgresStore: PlanStore {
    private static let load = ByReference("plan.load") { form in select(form) }
    private static let lock = ByReference("plan.lock") { form in
        """
        \(select(form))
           for no key update of x
        """
    }
    private static let insert = Statement(
        "plan.insert",
        """
        insert into plans (account_id, code, name, billing_cycle_type, billing_interval, amount, tax_amount, is_active,
               create_date)
        select $1, $2, $3, $4, $5, $6, $7, $8, $9
         where not exists (
               select from plans
                where account_id = $1 and plan_id = $10 and code is null offset 0)
        on conflict (account_id, code) where code is not null do nothing
        returning plan_id
        """)
    private static let owner = Statement(
        "plan.owner_of_code",
        """
        select plan_id
          from plans
         where account_id = $1 and (code = $2 or code is null and plan_id = $3)
         order by code is null
         limit 1
        """)
    private static let update = Statement(
        "plan.update",
        """
        update plans
           set name = $3, billing_cycle_type = $4, billing_interval = $5, amount = $6, tax_amount = $7, is_active = $8,
               version = version + 1
         where account_id = $1 and plan_id = $2
        """)

    private static func select(_ form: ReferenceForm) -> String {
        """
        select \(PlanRow.columns)
          from plans x
          join merchant_accounts a on a.account_id = x.account_id
         where x.account_id = any ($1) and \(form.condition("x", id: "plan_id", from: 2))\(form.order("x", limit: 2))
        """
    }

    /// Reads the plan.
    public func plan(_ reference: Reference) throws -> Plan? {
        try plan(reference, by: Self.load, in: accounts)
    }

    /// Locks and reads the plan.
    public func lockedPlan(_ reference: Reference) throws -> Plan? {
        try plan(reference, by: Self.lock, in: accounts)
    }

    /// Reads the plan of this account.
    public func plan(_ reference: Reference, of account: Int64) throws -> Plan? {
        try plan(reference, by: Self.load, in: reach(narrowedTo: account))
    }

    private func plan(
        _ reference: Reference, by statement: ByReference, in accounts: [Int64]
    ) throws -> Plan? {
        try connection.rows(statement[reference], [.ints(accounts)] + reference.parameters)
            .named(by: reference, "plan", code: PlanRow.code)
            .map { PlanRow.plan($0) }
    }

    /// Finds plans by id (spec 1.3).
    public func plans(_ filter: PlanFilter, _ page: Page) throws -> Found<Plan> {
        let accounts = reach(narrowedTo: filter.accountID)
        guard !accounts.isEmpty else { return Found([], page: page) }
        var search = Search("plan.find", "plans", id: "plan_id", in: accounts, page)
        if let name = filter.name, !name.isEmpty {
            // An account has few plans: no index.
            search.require("n", "lower(x.name) like lower(?)", .text(Search.pattern(name) + "%"))
        }
        if let unit = filter.cycleUnit {
            search.require("u", "x.billing_cycle_type = ?", .text(unit.rawValue))
        }
        try requireCreated(
            from: filter.createDateFrom, before: filter.createDateBefore, in: accounts, &search)
        if let least = filter.amountFrom { search.require("l", "x.amount >= ?", .money(least)) }
        if let most = filter.amountTo { search.require("m", "x.amount <= ?", .money(most)) }
        if let isActive = filter.isActive { search.require("a", "x.is_active = ?", .bool(isActive)) }
        if let code = filter.code, !code.isEmpty {
            search.require("c", "coalesce(x.code, x.plan_id::text) = ?", .text(code))
        }
        let rows = try search.rows(PlanRow.columns, on: connection)
        return Found(rows.map { PlanRow.plan($0) }, page: page)
    }

    /// The instant that a wall clock's reading is in the zone of the row's account.
    static let zoned = """
        (select \(firstInstant(of: "l.shown", in: "z.time_zone"))
                  from merchant_accounts z cross join (select ? at time zone 'UTC' as shown) l
                 where z.account_id = {account})
        """

    /// Inserts a plan; V29 with the owner of the code where it is taken.
    public func insertPlan(
        account: Int64, code: String?, _ particulars: PlanParticulars, at moment: Moment
    ) throws -> Identifier<Plan> {
        let number: Parameter = .int(code.flatMap(Reference.number))
        let inserted = try connection.rows(
            Self.insert,
            [.int(account), .text(code)] + PlanRow.parameters(particulars) + [.instant(moment.now), number])
        if let row = inserted.first { return row.identifier(0) }
        throw try duplicate(Self.owner, [.int(account), .text(code), number], code, "plan")
    }

    /// Queues the change of a plan that is locked.
    public func updatePlan(_ plan: Plan, _ particulars: PlanParticulars) throws {
        connection.enqueue(
            Self.update, [.int(plan.accountID), .id(plan.id)] + PlanRow.parameters(particulars))
    }
}

/// How a plan is read and written.
enum PlanRow {
    /// The columns, from the plan under the alias `x` and its account under `a`.
    static let columns = """
        x.plan_id, x.account_id, x.code, x.create_date at time zone a.time_zone at time zone 'UTC' as created, x.name,
               x.billing_cycle_type, x.billing_interval, x.amount, x.tax_amount, x.is_active, x.version
        """
    /// Where the code stands.
    static let code = 2

    /// The plan.
    static func plan(_ row: Row) -> Plan {
        var particulars = PlanParticulars()
        particulars.name = row.text(4)
        particulars.cycle = BillingCycle(row.code(5), every: Int(row.int(6)))
        particulars.amount = row.money(7)
        particulars.taxAmount = row.money(8)
        particulars.isActive = row.bool(9)
        return Plan(
            id: row.identifier(0), accountID: row.int(1), code: row.optionalText(code),
            createDate: row.localDateTime(3), particulars: particulars, version: Int(row.int(10)))
    }

    /// The particulars, in the order of ``columns``.
    static func parameters(_ particulars: PlanParticulars) -> [Parameter] {
        [
            .text(particulars.name), .text(particulars.cycle.unit.rawValue),
            .int(Int64(particulars.cycle.interval)), .money(particulars.amount),
            .money(particulars.taxAmount), .bool(particulars.isActive),
        ]
    }
}
