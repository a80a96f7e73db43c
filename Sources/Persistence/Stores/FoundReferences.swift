internal import Domain
internal import Postgres

// What a filter names by its code, looked up before the search: a condition on a number is served from an index.
extension PostgresStore {
    private static let customers = byCode("customers", id: "customer_id")
    private static let plans = byCode("plans", id: "plan_id")
    private static let subscriptions = byCode("subscriptions", id: "subscription_id")
    private static let instants = Statement(
        "filter.instants",
        """
        select min(\(firstInstant(of: "l.start", in: "a.time_zone"))),
               max(\(firstInstant(of: "l.stop", in: "a.time_zone")))
          from merchant_accounts a
         cross join (select $2::timestamptz at time zone 'UTC' as start, $3::timestamptz at time zone 'UTC' as stop) l
         where a.account_id = any ($1)
        """)

    private static func byCode(_ table: String, id: String) -> ByReference {
        ByReference("filter.\(table)") { form in
            """
            select x.\(id)
              from \(table) x
             where x.account_id = any ($1) and \(form.condition("x", id: id, from: 2))
            """
        }
    }

    /// The class of what a filter names.
    enum Named {
        case customer, plan, subscription
    }

    /// The numbers of what a filter names in these accounts: an id as it is, a code in each account that has it.
    func numbers(of reference: Reference, _ named: Named, in accounts: [Int64]) throws -> [Int64] {
        if case .id(let number) = reference { return [number] }
        let statement =
            switch named {
            case .customer: Self.customers
            case .plan: Self.plans
            case .subscription: Self.subscriptions
            }
        return try connection.rows(statement[reference], [.ints(accounts)] + reference.parameters)
            .map { $0.int(0) }
    }

    /// Narrows a search to what a filter names; false where there is none such, so that nothing can be found.
    func require(
        _ reference: Reference?, _ named: Named, _ mark: String, _ column: String, in accounts: [Int64],
        _ search: inout Search
    ) throws -> Bool {
        guard let reference else { return true }
        let numbers = try numbers(of: reference, named, in: accounts)
        switch numbers.count {
        case 0: return false
        case 1: search.require(mark, "x.\(column) = ?", .int(numbers[0]))
        default: search.require("\(mark)+", "x.\(column) = any (?)", .ints(numbers))
        }
        return true
    }

    /// Narrows a search to what was created from the first wall clock's reading on and before the second, in the zone of each
    /// account. The instants are looked up first: how many rows they leave decides which index is best. Of several accounts
    /// they are the outermost, and the exact ones are compared besides.
    func requireCreated(
        from: LocalDateTime?, before: LocalDateTime?, in accounts: [Int64], _ search: inout Search
    ) throws {
        guard from != nil || before != nil else { return }
        let outermost = try connection.rows(
            Self.instants,
            [
                .ints(accounts), from?.wallClock ?? .timestamp(nil), before?.wallClock ?? .timestamp(nil),
            ])[0]
        if let first = outermost.optionalMicroseconds(0) {
            search.compare("F", "create_date", ">=", "?", .timestamp(first))
        }
        if let last = outermost.optionalMicroseconds(1) {
            search.compare("B", "create_date", "<", "?", .timestamp(last))
        }
        guard accounts.count > 1 else { return }
        if let from { search.compare("f", "create_date", ">=", Self.zoned, from.wallClock) }
        if let before { search.compare("b", "create_date", "<", Self.zoned, before.wallClock) }
    }
}
