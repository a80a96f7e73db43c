import Glibc
import TestSupport
import Testing

/// Processes that die, stop or are replaced under a stack of their own, seen from outside (spec 6.2, 6.7).
@Suite(.serialized, .enabled(if: programIsKnown, "needs BILLING_BINARY"))
final class DisturbanceTests {
    private let stack: RunningStack
    private let merchant: Merchant

    init() throws {
        stack = try RunningStack()
        merchant = try Merchant(in: stack)
    }

    deinit { stack.end() }

    /// Whether an answer comes, and which: nginx or curl may see a connection end.
    private func status(_ path: String = "/customers") -> Int {
        (try? merchant.call("GET", path).status) ?? 0
    }

    @Test func aWorkerIsKilled() throws {
        for round in 1...3 {
            #expect(status() == 200)
            let victims = try stack.workers(of: "serve")
            try #require(victims.count >= 2)
            // One, then another, then all of them.
            for victim in round < 3 ? Array(victims.prefix(1)) : Array(victims) { kill(victim, SIGKILL) }
            // Once it is gone, nginx finds its connections broken before it puts a request on one.
            #expect(
                try waitUntil {
                    try stack.workers(of: "serve").isDisjoint(
                        with: victims.prefix(round < 3 ? 1 : victims.count))
                })
            #expect(status() == 200, "round \(round)")
            #expect(
                try waitUntil {
                    try stack.workers(of: "serve").subtracting(victims).count >= (round < 3 ? 1 : 2)
                })
        }
    }

    /// What is replaced while callers go on calling: by which command, whose processes, over which protocol.
    ///
    /// nginx by itself is asked over HTTP/1.1: over HTTP/2 a request that crosses its farewell on the wire is the
    /// caller's to repeat. `make reload` leaves nginx alone when nothing of its own has changed.
    enum Replacement: String, CaseIterable {
        case reload, nginx

        var command: String { self == .reload ? "Scripts/stack reload" : "kill -HUP $(pid nginx)" }
        var component: String { self == .reload ? "serve" : "nginx" }
        var protocolOption: String { self == .reload ? "--http2" : "--http1.1" }
    }

    @Test(arguments: Replacement.allCases)
    func aReloadLosesNoRequest(replacement: Replacement) throws {
        let customer = try merchant.createCustomer()
        let before = try stack.workers(of: replacement.component)
        let files = try TemporaryFolder(prefix: "billing-load")
        let credentials = try files.write(
            "user = \"\(merchant.user):\(merchant.password)\"\ncacert = \"\(stack.folder)/ca.pem\"\n",
            to: "conf")
        let answer = stack.run(
            """
            codes=\(files.path)/codes; : >"$codes"
            for caller in 1 2 3 4; do
                while [[ ! -e \(files.path)/enough ]]; do
                    curl -s -m 20 --noproxy '*' \(replacement.protocolOption) -K \(credentials) -o /dev/null \
                        -w '%{http_code} %{errormsg}\\n' \
                        "https://localhost:\(stack.port)/api/v01/customers/\(customer.id)#[1-20]" >>"$codes" || true
                done &
            done
            lines() { wc -l <"$codes"; }
            enough() { (($(lines) >= $1)); }
            gone() {
                local each
                for each in \(before.map(String.init).joined(separator: " ")); do
                    ! kill -0 "$each" 2>/dev/null || return 1
                done
            }
            await() {
                for ((i = 0; i < 800; i++)); do
                    if "$@"; then return 0; fi
                    read -rt 0.05 <> <(:) || true
                done
                echo "waited in vain: $*"
                return 1
            }
            result=0
            await enough 100 || result=1
            \(replacement.command) >/dev/null || result=1
            await gone || result=1
            await enough $(($(lines) + 200)) || result=1
            await enough 500 || result=1
            touch \(files.path)/enough
            wait
            exit $result
            """)
        #expect(answer.status == 0, "\(answer)")
        let codes = readText("\(files.path)/codes")?.split(separator: "\n") ?? []
        #expect(codes.count >= 500)
        let others = codes.filter { $0 != "200 " }
        #expect(others.isEmpty, "\(others.count) of \(codes.count): \(others.prefix(5))")
        #expect(try stack.workers(of: replacement.component).isDisjoint(with: before))
        try merchant.expectSoundBooks()
    }

    /// The jobs process is killed again and again over 600 bills: each is made once and collected once.
    @Test func theJobsProcessIsKilled() throws {
        let subscription = #"{"billingCycleType":"M","amount":1000,"firstBillingDate":"2027-01-05"}"#
        let customers = try (1...4).map { _ in
            let answer = try merchant.call(
                "PUT", "/customers",
                """
                {"firstName":"Ann","lastName":"Lee","paymentOptions":[{"accountNumber":"\(Card.visa)",\
                "accountAccessory":"1233","holderName":"Ann Lee"}],\
                "subscriptions":[\(Array(repeating: subscription, count: 50).joined(separator: ","))]}
                """)
            try #require(answer.status == 201, "\(answer)")
            return answer.id
        }
        func count(_ what: String) throws -> Int {
            Int(try stack.sql("select count(*) from billing.\(what) and account_id = \(merchant.account)"))
                ?? -1
        }
        let invoices = "transactions where type = 'RI'"
        let payments = "transactions where type = 'AP' and status = 'final'"
        try merchant.setClock("2027-03-16")
        for wanted in [1, 150, 450] {
            #expect(try waitUntil(timeout: 30) { try count(invoices) >= wanted })
            let pid = try #require(stack.pid(of: "jobs"))
            kill(pid, SIGKILL)
            #expect(
                waitUntil(timeout: 30) { stack.pid(of: "jobs").map { $0 != pid && kill($0, 0) == 0 } == true }
            )
        }
        let done = try waitUntil(timeout: 60) {
            // A kill between request and answer leaves attempts whose outcome is asked for later: bring that forward.
            try stack.sql(
                "update billing.attempts set next_look_up = clock_timestamp() where outcome = 'open'")
            return try count(payments) >= 600
        }
        let made = (try count(invoices), try count(payments))
        #expect(done && made == (600, 600), "\(made.0) invoices, \(made.1) payments")
        #expect(try count("attempts where outcome = 'open'") == 0)
        let moved = try stack.sql(
            "select count(*), sum(approved_amount) from sandbox.movement where account = \(merchant.account)")
        #expect(moved == "600|600000")
        for customer in customers {
            let answer = try merchant.call("GET", "/customers/\(customer)")
            #expect(answer["balance"] == "0", "\(answer)")
        }
        try merchant.expectSoundBooks()
    }

    /// PostgreSQL stands still: S02 within the request's deadline, and all is well as soon as it goes on.
    @Test func theDatabaseStandsStill() throws {
        #expect(status() == 200)
        func signalDatabase(_ name: String) {
            let answer = stack.run("main=$(pid postgres); kill -\(name) $main $(pgrep -P $main)")
            #expect(answer.status == 0, "\(answer)")
        }
        signalDatabase("STOP")
        let start = monotonicSeconds()
        let refused = try? merchant.call("GET", "/customers")
        let waited = monotonicSeconds() - start
        signalDatabase("CONT")
        #expect(refused?.status == 503 && refused?["failureCode"] == "S02", "\(String(describing: refused))")
        #expect(refused?.headers["retry-after"] != nil)
        #expect(waited < 30, "S02 came after \(waited) seconds")
        #expect(waitUntil(timeout: 30) { status() == 200 })
        try merchant.expectSoundBooks()
    }

    /// Every connection is cut, and new ones are refused for a while.
    @Test func theDatabaseRefuses() throws {
        #expect(status() == 200)
        try stack.sql(
            """
            alter role billing_api connection limit 0;
            select pg_terminate_backend(pid) from pg_stat_activity where usename = 'billing_api';
            """)
        #expect(waitUntil(timeout: 20) { status() == 503 })
        let refused = try merchant.call("GET", "/customers")
        FailureTests.expect(refused, "S02", 503)
        #expect(refused.headers["retry-after"] != nil)
        for media in Media.allCases {
            let answer = try merchant.call("GET", "/customers", accept: media.rawValue)
            FailureTests.expect(answer, "S02", 503, media)
        }
        // What the workers log about it holds no number that somebody put into a path.
        stack.secrets.keep(Card.visa)
        #expect(status("/customers/*\(Card.visa)/transactions") == 503)
        try stack.sql("alter role billing_api connection limit -1")
        #expect(waitUntil(timeout: 20) { status() == 200 })
        // A connection that is cut while nothing is asked is not noticed by any caller.
        try stack.sql("select pg_terminate_backend(pid) from pg_stat_activity where usename like 'billing%'")
        for _ in 1...6 { #expect(status() == 200) }
        #expect(try stack.secrets.traces(in: stack) == [])
        try merchant.expectSoundBooks()
    }
}
