import Domain
import Persistence
import Postgres
import TestSupport
import Testing

@Suite struct OperatorTests {
    @Test func merchantAccountsAreCreatedChangedAndRefused() throws {
        let fixture = try Fixture()
        let books = fixture.books(as: "billing_owner")
        var account = MerchantAccount(id: 3001, name: "Blue", currency: try #require(Currency(code: "JPY")))
        account.timeZone = "Europe/Berlin"
        account.retryDays = [1, 2]
        account.settlementTime = "08:30"
        account.lateFeeAmount = Money(500)
        try books.operating { try $0.createAccount(account) }
        let stored = try #require(try books.operating { try $0.account(3001) }).account
        #expect(stored.timeZone == "Europe/Berlin")
        #expect(stored.retryDays == [1, 2])
        #expect(stored.settlementTime == "08:30")
        #expect(stored.lateFeeAmount == Money(500))
        #expect(stored.currency.code == "JPY")
        #expect(try books.operating { try $0.accounts().map(\.account.id) } == [2001, 2002, 3001])

        let workers = fixture.books()
        func refusal(_ change: (inout MerchantAccount) -> Void, create: Bool = false) throws -> Fault? {
            var changed = account
            change(&changed)
            do {
                if create {
                    try books.operating { try $0.createAccount(changed) }
                } else {
                    try workers.withStore(reaching: [changed.id]) { try $0.updateAccount(changed) }
                }
                return nil
            } catch let refusal as Refusal {
                return refusal.faults[0]
            }
        }
        #expect(try refusal({ _ in }, create: true)?.code == .duplicate)
        #expect(try refusal({ $0.timeZone = "Mars/Base" })?.field == "timeZone")
        #expect(try refusal({ $0.retryDays = [0] })?.field == "retryDays")
        #expect(try refusal({ $0.invoiceLeadDays = 61 })?.field == "invoiceLeadDays")
        #expect(try refusal({ $0.freezeFlatFee = Money(-1) })?.field == "freezeFlatFee")
        #expect(try refusal({ $0.name = "" })?.field == "name")
        // Number, mode and currency are not among what is written.
        #expect(
            try refusal({
                $0.name = "Green"
                $0.mode = .live
                $0.retryDays = []
            }) == nil)
        let green = try #require(try books.operating { try $0.account(3001) }).account
        #expect(green.name == "Green" && green.mode == .sandbox && green.retryDays == [])
        #expect(try workers.withStore(reaching: [3001]) { try $0.lockedAccount(2001) == nil })
        let found = try workers.reading(reaching: [2001, 3001]) {
            try $0.merchantAccounts(Page(limit: 1, after: 2001))
        }
        #expect(found.items.map(\.id) == [3001] && !found.hasMore)
    }

    /// What a request does by a login that it has not asked for is refused where the user, or what it sees, is another by then.
    @Test(arguments: [
        "update service_users set version = version + 1", "update service_users set is_active = false",
        "update service_users set privilege = 'management-api-read'",
        "delete from service_user_accounts where account_id = 2002", "truncate service_user_accounts",
        """
        insert into merchant_accounts (account_id, name) values (2009, 'Nine');
        update service_user_accounts set account_id = 2009 where account_id = 2002
        """,
        """
        delete from service_user_accounts;
        delete from service_users;
        insert into service_users (user_name, password_hash, privilege) values ('api-blue', 'h1', 'management-api');
        insert into service_user_accounts (account_id, user_name) values (2001, 'api-blue'), (2002, 'api-blue')
        """,
        "delete from service_user_accounts; delete from service_users",
    ])
    func aLoginIsProvenWithWhatComesFirst(_ change: String) throws {
        let fixture = try Fixture()
        let owner = fixture.books(as: "billing_owner")
        let books = fixture.books()
        try owner.operating {
            try $0.createUser("api-blue", passwordHash: "h1", privilege: .full, accounts: [2001, 2002])
        }
        let user = try #require(try books.operating { try $0.user(named: "api-blue") })
        books.go(by: user)
        try books.withStore(reaching: [2001]) { store in
            try store.note(
                "create", on: "customer", 1, of: 2001, by: Actor(name: "api-blue", requestID: "r1"))
        }
        let administrator = try fixture.administrator()
        try administrator.script("set search_path = billing; \(change)")
        // It was asked for a moment ago; the next request asks again.
        try books.proveLogin()
        books.go(by: user)
        #expect(throws: LoginChanged.self) {
            try books.withStore(reaching: [2001]) { store in
                try store.note(
                    "create", on: "customer", 2, of: 2001, by: Actor(name: "api-blue", requestID: "r2"))
            }
        }
        #expect(throws: LoginChanged.self) {
            try books.reading(reaching: [2001]) { store in _ = try store.account(2001) }
        }
        #expect(throws: LoginChanged.self) { try books.proveLogin() }
        books.go(by: nil)
        #expect(try books.reading(reaching: [2001]) { store in try store.account(2001) } != nil)
        let noted = try administrator.rows(
            Statement("noted", "select count(*) from audit_log where object_id = 2"))
        #expect(noted[0].int(0) == 0)
    }

    @Test func usersAreFoundWithTheirAccounts() throws {
        let fixture = try Fixture()
        let owner = fixture.books(as: "billing_owner")
        let api = fixture.books()
        try owner.operating {
            try $0.createUser(
                "api-blue", passwordHash: "h1", privilege: .readOnly, accounts: [2002, 2001, 2002])
        }
        let user = try #require(try api.operating { try $0.user(named: "api-blue") })
        #expect(user.passwordHash == "h1")
        #expect(user.privilege == .readOnly)
        #expect(user.isActive)
        #expect(user.version == 1)
        #expect(user.accounts == [2001, 2002])
        try owner.operating { try $0.setPassword(of: "api-blue", hash: "h2") }
        try owner.operating { try $0.revokeUser("api-blue") }
        let revoked = try api.operating { try $0.user(named: "api-blue") }
        #expect(revoked?.passwordHash == "h2")
        #expect(revoked?.isActive == false)
        #expect(revoked?.version == 3)
        #expect(try owner.operating { try $0.users().map(\.name) } == ["api-blue"])
        #expect(try api.operating { try $0.user(named: "api-nobody") } == nil)
        func code(_ name: String, _ accounts: [Int64]) throws -> FailureCode? {
            do {
                try owner.operating {
                    try $0.createUser(name, passwordHash: "h", privilege: .full, accounts: accounts)
                }
                return nil
            } catch let refusal as Refusal {
                return refusal.faults[0].code
            }
        }
        #expect(try code("api-blue", [2001]) == .duplicate)
        #expect(try code("blue", [2001]) == .valueNotAllowed)
        #expect(try code("api-red", [99]) == .notFound)
        #expect(try owner.operating { try $0.user(named: "api-red") } == nil)
        // Workers cannot make users.
        #expect(throws: DatabaseTrouble.self) {
            try api.operating {
                try $0.createUser("api-evil", passwordHash: "h", privilege: .full, accounts: [2001])
            }
        }
    }

    @Test func temporaryPasswordsEndWithTheirUsersCredentials() throws {
        let fixture = try Fixture()
        let owner = fixture.books(as: "billing_owner")
        let api = fixture.books()
        let jobs = fixture.books(as: "billing_jobs")
        try owner.operating {
            try $0.createUser("api-t", passwordHash: "h", privilege: .full, accounts: [2001])
        }
        func digest(_ number: Int) -> [UInt8] { Array(repeating: UInt8(number), count: 32) }
        func live() throws -> [[UInt8]] {
            try api.operating { try $0.loginByTemporaryPassword(of: "api-t", from: "a").digests }
        }
        func make(_ numbers: ClosedRange<Int>, _ user: ServiceUser, seconds: Int = 60) throws
            -> [LocalDateTime?]
        {
            try numbers.map { number in
                try api.operating {
                    try $0.insertTemporaryPassword(of: user, digest: digest(number), seconds: seconds)
                }
            }
        }
        let user = try #require(try api.operating { try $0.user(named: "api-t") })
        #expect(try make(1...10, user).allSatisfy { $0 != nil })
        #expect(try live() == (1...10).reversed().map(digest))
        _ = try make(11...11, user)
        #expect(try live() == (2...11).reversed().map(digest))
        try owner.operating { try $0.setPassword(of: "api-t", hash: "h2") }
        #expect(try live() == [])
        // One that was verified under the old password is too late.
        #expect(try make(12...12, user) == [nil])
        let changed = try #require(try api.operating { try $0.user(named: "api-t") })
        #expect(try make(13...13, changed).count == 1)
        #expect(try live() == [digest(13)])
        let administrator = try fixture.administrator()
        defer { administrator.close() }
        // What the user sees is none of its credentials.
        try administrator.script(
            "set search_path = billing; insert into service_user_accounts (account_id, user_name) values (2002, 'api-t')"
        )
        #expect(try live() == [digest(13)])
        func stored() throws -> Int64 {
            try administrator.rows(Statement("t", "select count(*) from temporary_passwords"))[0].int(0)
        }
        // One of the ten of the old password made room.
        #expect(try stored() == 10)
        try jobs.operating { try $0.forgetEndedTemporaryPasswords() }
        #expect(try stored() == 1)
        try administrator.script(
            "update temporary_passwords set create_date = now() - interval '1 h', expires_at = now()")
        #expect(try live() == [])
        try jobs.operating { try $0.forgetEndedTemporaryPasswords() }
        #expect(try stored() == 0)
    }

    @Test func tenFailedLoginsBlockTheUserAtTheAddress() throws {
        let fixture = try Fixture()
        let books = fixture.books()
        for failure in 1...9 {
            #expect(
                try books.operating { try $0.noteFailedLogin(of: "api-x", from: "10.0.0.1") } == nil,
                "\(failure)")
        }
        #expect(try books.operating { try $0.login(of: "api-x", from: "10.0.0.1") }.blockedSeconds == nil)
        let seconds = try books.operating { try $0.noteFailedLogin(of: "api-x", from: "10.0.0.1") }
        #expect(seconds == 1800)
        let blocked = try books.operating { try $0.login(of: "api-x", from: "10.0.0.1") }
        #expect((1790...1800).contains(try #require(blocked.blockedSeconds)))
        #expect(blocked.user == nil)
        #expect(try books.operating { try $0.login(of: "api-x", from: "10.0.0.2") }.blockedSeconds == nil)
        #expect(try books.operating { try $0.login(of: "api-y", from: "10.0.0.1") }.blockedSeconds == nil)
        // When the time is over counting starts again.
        try fixture.administrator().script(
            "update billing.failed_logins set blocked_until = now() - interval '1 s'")
        #expect(try books.operating { try $0.login(of: "api-x", from: "10.0.0.1") }.blockedSeconds == nil)
        #expect(try books.operating { try $0.noteFailedLogin(of: "api-x", from: "10.0.0.1") } == nil)
        try books.operating { try $0.noteLogin(of: "api-x", from: "10.0.0.1") }
        try books.operating { try $0.forgetOldFailedLogins() }
        let left = try fixture.administrator().rows(
            Statement("test.logins", "select count(*) from failed_logins"))
        #expect(left[0].int(0) == 0)
    }

    @Test func healthIsSeenWithoutReach() throws {
        let fixture = try Fixture()
        let jobs = fixture.books(as: "billing_jobs")
        let api = fixture.books()
        let process = "4b5e6a70-0000-4000-8000-000000000001"
        #expect(try api.operating { try $0.secondsSinceHeartbeat() } == nil)
        for _ in 0..<2 {
            try jobs.operating { try $0.noteHeartbeat(of: process, host: "h", pid: 7) }
        }
        #expect(try api.operating { try $0.secondsSinceHeartbeat() } == 0)
        try jobs.operating { try $0.forgetSilentProcesses(seconds: 60) }
        #expect(try api.operating { try $0.secondsSinceHeartbeat() } == 0)
        try jobs.operating { try $0.noteEnd(of: process) }
        #expect(try api.operating { try $0.secondsSinceHeartbeat() } == nil)

        #expect(try api.operating { try $0.missedBills(olderThan: 60) } == 0)
        try api.withStore(reaching: [2001]) { store in
            _ = try store.addSubscription(of: store.addCustomer())
        }
        #expect(try api.operating { try $0.missedBills(olderThan: 60) } == 1)
        #expect(try api.operating { try $0.schemaState() } == .current)
    }
}
