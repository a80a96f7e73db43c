import Domain
import Persistence
import Postgres
import TestSupport
import Testing

/// A database of a test's own with the migrated schema, and two merchant accounts: 2001 in New York, 2002 in UTC.
final class Fixture {
    let database: String

    static let roles = ["billing_owner", "billing_api", "billing_jobs", "billing_readonly"]
    static let now = Timestamp(microsecondsSince1970: 1_700_000_000_000_000)
    static let moment = Moment(now: now, local: LocalDateTime(date: CalendarDate(daysSince1970: 19_675)))

    init() throws {
        let server = try PrivateServer.shared
        let template = try server.template("persistence") { database in
            try Fixture.prepare(database)
            _ = try Migrator(Fixture.settings(database, as: "billing_owner")).migrate()
        }
        database = try server.createDatabase(template: template)
        let books = self.books(as: "billing_owner")
        defer { books.close() }
        var york = MerchantAccount(id: 2001, name: "Gym", currency: try #require(Currency(code: "USD")))
        york.timeZone = "America/New_York"
        let plain = MerchantAccount(id: 2002, name: "Pool", currency: try #require(Currency(code: "EUR")))
        try books.operating { operators in
            try operators.createAccount(york)
            try operators.createAccount(plain)
        }
    }

    /// Makes the roles, and the owner of the database.
    static func prepare(_ database: String) throws {
        let administrator = try Connection(ConnectionSettings(database))
        defer { administrator.close() }
        let name = database.split(separator: "=").last.map(String.init) ?? ""
        for role in roles {
            try administrator.script(
                """
                do $$ begin create role \(role) login; exception when duplicate_object or unique_violation then null; end $$
                """)
        }
        try administrator.script("alter database \(name) owner to billing_owner")
        try administrator.script("grant create on database \(name) to billing_owner")
    }

    static func settings(_ database: String, as role: String) -> ConnectionSettings {
        ConnectionSettings("\(database) user=\(role)", applicationName: "billing test")
    }

    func books(as role: String = "billing_api", patience: Int = 250) -> PostgresBooks {
        PostgresBooks(Fixture.settings(database, as: role), patience: patience)
    }

    /// A connection of the superuser, outside any policy.
    func administrator() throws -> Connection {
        try Connection(
            ConnectionSettings(database, runtimeSettings: [(name: "search_path", value: "billing")]))
    }
}

extension CustomerParticulars {
    init(_ firstName: String, _ lastName: String) {
        self.init()
        self.firstName = firstName
        self.lastName = lastName
    }
}

extension PostgresStore {
    /// A customer with nothing but a name.
    @discardableResult
    func addCustomer(
        _ lastName: String = "Smith", account: Int64 = 2001, code: String? = nil
    ) throws -> Identifier<Customer> {
        try insertCustomer(
            account: account, code: code, CustomerParticulars("Ann", lastName), status: .active,
            at: Fixture.moment)
    }

    /// A card of that customer.
    @discardableResult
    func addOption(
        of customer: Identifier<Customer>, account: Int64 = 2001, code: String? = nil, isDefault: Bool = true
    ) throws -> Identifier<PaymentOption> {
        let id = try reservePaymentOptionIDs(1)[0]
        try insert([Fixture.option(id, of: customer, account: account, code: code, isDefault: isDefault)])
        return id
    }
}

extension Fixture {
    static func option(
        _ id: Identifier<PaymentOption>, of customer: Identifier<Customer>, account: Int64 = 2001,
        code: String? = nil, isDefault: Bool = false
    ) -> NewPaymentOption {
        var particulars = PaymentOptionParticulars()
        particulars.holderName = "Ann Smith"
        particulars.isDefault = isDefault
        particulars.city = "Zürich"
        return NewPaymentOption(
            id: id, accountID: account, customerID: customer, code: code, type: .visaCredit,
            accountMask: "4***********1111", accessoryShown: "1230",
            tokenCode: "token-of-option-number-\(id)",
            particulars: particulars, sealed: [1, 2, 3], fingerprint: [9], createDate: now)
    }
}
