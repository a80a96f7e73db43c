public import Domain
internal import Postgres

extension PostgresStore: CustomerStore {
    private static let load = ByReference("customer.load") { form in
        """
        select \(CustomerRow.columns)
          from customers x
          join merchant_accounts a on a.account_id = x.account_id
         where x.account_id = any ($1) and \(form.condition("x", id: "customer_id", from: 2))\(form.order("x", limit: 2))
        """
    }
    private static let lock = ByReference("customer.lock") { form in
        """
        select \(CustomerRow.columns),
               \(MerchantAccountRow.columns)
          from customers x
          join merchant_accounts a on a.account_id = x.account_id
         where x.account_id = any ($1) and \(form.condition("x", id: "customer_id", from: 2))\(form.order("x", limit: 2))
           for no key update of x
        """
    }
    private static let insert = Statement(
        "customer.insert",
        """
        insert into customers (account_id, code, first_name, last_name, organization_name, email, phone, street,
               street2, city, state, zip_code, country_code, note, status, create_date)
        select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16
         where not exists (
               select from customers
                where account_id = $1 and customer_id = $17 and code is null offset 0)
        on conflict (account_id, code) where code is not null do nothing
        returning customer_id
        """)
    private static let owner = Statement(
        "customer.owner_of_code",
        """
        select customer_id
          from customers
         where account_id = $1 and (code = $2 or code is null and customer_id = $3)
         order by code is null
         limit 1
        """)
    private static let update = Statement(
        "customer.update",
        """
        update customers
           set first_name = $3, last_name = $4, organization_name = $5, email = $6, phone = $7, street = $8,
               street2 = $9, city = $10, state = $11, zip_code = $12, country_code = $13, note = $14, status = $15,
               version = version + 1
         where account_id = $1 and customer_id = $2
        """)

    /// Reads the customer; with `complete` its options and subscriptions too, in the same round trip.
    public func customer(_ reference: Reference, complete: Bool) throws -> Customer? {
        let parameters = [reach] + reference.parameters
        guard complete else {
            let rows = try connection.rows(Self.load[reference], parameters)
            return try rows.named(by: reference, "customer", code: CustomerRow.code)
                .map { CustomerRow.customer($0) }
        }
        let found = try connection.all([
            (Self.load[reference], parameters),
            (Self.optionsOfNamedCustomer[reference], parameters),
            (Self.subscriptionsOfNamedCustomer[reference], parameters),
        ])
        guard let row = try found[0].named(by: reference, "customer", code: CustomerRow.code) else {
            return nil
        }
        var customer = CustomerRow.customer(row)
        customer.paymentOptions = found[1].map { PaymentOptionRow.option($0) }
            .sorted { $0.id.rawValue < $1.id.rawValue }
        customer.subscriptions = found[2].map { SubscriptionRow.subscription($0) }
            .sorted { $0.id.rawValue < $1.id.rawValue }
        return customer
    }

    /// Locks and reads the customer, with its account and clock.
    public func lockedCustomer(_ reference: Reference) throws -> CustomerState? {
        let rows = try connection.rows(Self.lock[reference], [reach] + reference.parameters)
        return try rows.named(by: reference, "customer", code: CustomerRow.code).map { row in
            CustomerState(
                customer: CustomerRow.customer(row),
                account: MerchantAccountRow.account(row, at: CustomerRow.count),
                moment: MerchantAccountRow.moment(row, at: CustomerRow.count))
        }
    }

    /// Finds customers by id (spec 1.1); each filter has an index.
    public func customers(_ filter: CustomerFilter, _ page: Page) throws -> Found<Customer> {
        let accounts = reach(narrowedTo: filter.accountID)
        guard !accounts.isEmpty else { return Found([], page: page) }
        var search = Search("customer.find", "customers", id: "customer_id", in: accounts, page)
        search.match("f", "first_name_key", filter.firstName, whole: false)
        search.match("l", "last_name_key", filter.lastName, whole: false)
        search.match("o", "organization_key", filter.organizationName, whole: false)
        search.match("e", "email_key", filter.email, whole: true)
        search.match("p", "phone_digits", filter.phone.map(Self.digitsAndStars), whole: true, fold: nil)
        search.match("s", "street_key", filter.street, whole: false)
        search.match("c", "city_key", filter.city, whole: false)
        search.match("t", "state_key", filter.state, whole: true)
        search.match("z", "zip_code_key", filter.zipCode, whole: true)
        search.match("y", "country_code", filter.countryCode, whole: true, fold: "upper")
        if let code = filter.code, !code.isEmpty {
            guard try require(.code(code), .customer, "i", "customer_id", in: accounts, &search) else {
                return Found([], page: page)
            }
        }
        if let status = filter.status { search.compare("a", "status", "=", "?", .text(status.rawValue)) }
        try requireCreated(
            from: filter.createDateFrom, before: filter.createDateBefore, in: accounts, &search)
        Self.requireBalance(from: filter.balanceFrom, to: filter.balanceTo, &search)
        let rows = try search.rows(CustomerRow.columns, on: connection)
        return Found(rows.map { CustomerRow.customer($0) }, page: page)
    }

    /// Narrows a search to balances, both bounds inclusive.
    ///
    /// The balance itself has no index, which every bill would have to write. Who owes has an open debt, and who has credit
    /// an unused one: these are few, and lie by customer.
    private static func requireBalance(from least: Money?, to most: Money?, _ search: inout Search) {
        if let least { search.compare("g", "balance", ">=", "?", .money(least)) }
        if let most { search.compare("h", "balance", "<", "?", .money(most + Money(1))) }
        let side: String
        if let least, least > .zero {
            side = "o.is_debt"
        } else if let most, most < .zero {
            side = "not o.is_debt"
        } else {
            return
        }
        search.hint(
            least.map { $0 > .zero } == true ? "u" : "v",
            """
            x.customer_id in (select o.customer_id from open_items o
                               where o.account_id = {account} and \(side))
            """)
    }

    /// Inserts a customer; V29 with the owner of the code where it is taken.
    public func insertCustomer(
        account: Int64, code: String?, _ particulars: CustomerParticulars, status: Customer.Status,
        at moment: Moment
    ) throws -> Identifier<Customer> {
        let number: Parameter = .int(code.flatMap(Reference.number))
        let inserted = try connection.rows(
            Self.insert,
            [.int(account), .text(code)] + CustomerRow.parameters(particulars)
                + [.text(status.rawValue), .instant(moment.now), number])
        if let row = inserted.first { return row.identifier(0) }
        throw try duplicate(Self.owner, [.int(account), .text(code), number], code, "customer")
    }

    /// Queues the change of a customer that is locked.
    public func updateCustomer(
        _ customer: Customer, _ particulars: CustomerParticulars, status: Customer.Status
    ) throws {
        connection.enqueue(
            Self.update,
            [.int(customer.accountID), .id(customer.id)] + CustomerRow.parameters(particulars)
                + [.text(status.rawValue)])
    }

    /// V29 with the owner of a code, as this statement finds it.
    func duplicate(
        _ owner: Statement, _ parameters: [Parameter], _ code: String?, _ object: String
    ) throws -> Refusal {
        guard let code, let row = try connection.rows(owner, parameters).first else {
            return Refusal(.duplicate, "this \(object) exists already", field: "code")
        }
        return Duplicate.refusal(code, object, row.int(0))
    }

    /// A phone number as it is searched: its digits, and the stars. Without either it finds nothing.
    static func digitsAndStars(_ phone: String) -> String {
        guard !phone.isEmpty else { return "" }
        let kept = phone.filter { $0 == "*" || ("0"..."9").contains($0) }
        return kept.isEmpty ? " " : kept
    }
}

/// How a customer is read and written.
enum CustomerRow {
    /// The columns, from the customer under the alias `x` and its account under `a`; as many as ``count``.
    static let columns = """
        x.customer_id, x.account_id, x.code, x.create_date at time zone a.time_zone at time zone 'UTC' as created,
               x.first_name, x.last_name, x.organization_name, x.email, x.phone, x.street, x.street2, x.city,
               x.state, x.zip_code, x.country_code, x.note, x.balance, x.status, x.version
        """
    /// How many columns these are.
    static let count = 19
    /// Where the code stands.
    static let code = 2

    /// The customer, without options and subscriptions.
    static func customer(_ row: Row) -> Customer {
        var particulars = CustomerParticulars()
        particulars.firstName = row.text(4)
        particulars.lastName = row.text(5)
        particulars.organizationName = row.optionalText(6)
        particulars.email = row.optionalText(7)
        particulars.phone = row.optionalText(8)
        particulars.street = row.optionalText(9)
        particulars.street2 = row.optionalText(10)
        particulars.city = row.optionalText(11)
        particulars.state = row.optionalText(12)
        particulars.zipCode = row.optionalText(13)
        particulars.countryCode = row.optionalText(14)
        particulars.note = row.optionalText(15)
        return Customer(
            id: row.identifier(0), accountID: row.int(1), code: row.optionalText(code),
            createDate: row.localDateTime(3), particulars: particulars, balance: row.money(16),
            status: row.code(17), version: Int(row.int(18)))
    }

    /// The particulars in the order of ``columns``, from the first name to the note.
    static func parameters(_ particulars: CustomerParticulars) -> [Parameter] {
        [
            .text(particulars.firstName), .text(particulars.lastName), .text(particulars.organizationName),
            .text(particulars.email), .text(particulars.phone), .text(particulars.street),
            .text(particulars.street2), .text(particulars.city), .text(particulars.state),
            .text(particulars.zipCode), .text(particulars.countryCode), .text(particulars.note),
        ]
    }
}
