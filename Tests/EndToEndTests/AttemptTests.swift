import Foundation
import Glibc
import TestSupport
import Testing

extension TogetherTests {
    /// Attempts from the commit of their key to the person who looks after them (spec 5.6).
    @Suite(.serialized) struct AttemptTests {
        private func disturb(_ merchant: Merchant, _ what: String) throws {
            try merchant.stack.sql(
                """
                delete from sandbox.disturbance where account = \(merchant.account);
                insert into sandbox.disturbance (account, \(what.split(separator: "=")[0]))
                values (\(merchant.account), \(what.split(separator: "=")[1]))
                """)
        }

        /// A payment, a refund and a void without an answer: asked for within a minute, then at growing intervals up to ten
        /// minutes; after an hour a person finds each of them in a list; nothing else may be done to what they concern.
        @Test func whatStaysUnknownIsListed() throws {
            let stack = try TogetherTests.stack
            let merchant = try Merchant(in: stack, clock: "2027-01-10")
            let customers = try (0..<3).map { _ in try merchant.createCustomer() }
            let paid = try customers.dropFirst().map { try merchant.process(4999, of: $0).id }
            try disturb(merchant, "is_down=true")
            let attempts = "billing.attempts where outcome = 'open' and account_id = \(merchant.account)"
            let pending = try stack.withoutJobs {
                let pending = [
                    try merchant.process(1234, of: customers[0]),
                    try merchant.process(2000, of: customers[1], #","type":"AR","sourceId":\#(paid[0])"#),
                    try merchant.reverse(paid[1], of: customers[2]),
                ]
                for answer in pending {
                    #expect(answer.status == 202 && answer["status"] == "pending", "\(answer)")
                }
                for (customer, source) in zip(customers.dropFirst(), paid) {
                    FailureTests.expect(try merchant.reverse(source, of: customer), "V36", 409)
                }
                let waits = "select string_agg(distinct round(extract(epoch from next_look_up - "
                #expect(try stack.sql("\(waits)opened_at))::text, ' ') from \(attempts)") == "20")
                for (asked, seconds) in [30, 60, 120, 240, 480, 600, 600].enumerated() {
                    try stack.sql(
                        "update billing.attempts set next_look_up = clock_timestamp() - interval '1 s' where outcome = 'open'"
                    )
                    let pass = try stack.billing(["run", "--account", "\(merchant.account)"])
                    #expect(pass.status == 0, "\(pass)")
                    let looked = try stack.sql(
                        "select string_agg(distinct look_ups::text, ' ') from \(attempts)")
                    #expect(looked == "\(asked + 1)")
                    let wait =
                        Double(
                            try stack.sql(
                                "select min(extract(epoch from next_look_up - clock_timestamp())) from \(attempts)"
                            )) ?? 0
                    #expect((Double(seconds) - 10...Double(seconds)).contains(wait), "\(asked): \(wait)")
                }
                return pending
            }
            func listed() throws -> [Tree] {
                let answer = try stack.billing(["status", "--json"])
                return try #require(Tree(json: answer.output), "\(answer)")["attemptsForAPerson"]?.items ?? []
            }
            #expect(try listed().isEmpty)
            #expect(try stack.page("/metrics").body.contains(#"{older_than="1h"} 0"#))
            try stack.sql(
                "set session_replication_role = replica; update billing.attempts set opened_at = opened_at - interval '61 minutes' where outcome = 'open'"
            )
            let list = try listed()
            #expect(list.map { $0["transactionId"]?.integer } == pending.map(\.id), "\(list)")
            #expect(list.compactMap { $0["kind"]?.scalar } == ["payment", "refund", "void"], "\(list)")
            #expect(list.compactMap { $0["amount"]?.integer } == [1234, 2000, 4999], "\(list)")
            #expect(try stack.page("/metrics").body.contains(#"{older_than="1h"} 3"#))
            let words = try stack.billing(["status"]).output
            #expect(words.contains("refund \(pending[1].id)"), "\(words)")
            try merchant.expectSoundBooks()

            // The processor is back: it never received them, gets them now, once.
            try disturb(merchant, "is_down=false")
            try stack.sql(
                "update billing.attempts set next_look_up = clock_timestamp() where outcome = 'open'")
            try merchant.awaitLines(of: customers[0], ["AP 2027-01-10 1234 1234"])
            try merchant.awaitLines(of: customers[1], ["AR 2027-01-10 2000 0", "AP 2027-01-10 4999 2999"])
            try merchant.awaitLines(of: customers[2], ["AV 2027-01-10 4999 0", "AP 2027-01-10 4999 0"])
            #expect(try listed().isEmpty)
            try merchant.expectSoundBooks()

            try theKeyIsCommittedBeforeTheCall(merchant)
        }

        /// While the processor takes its time the attempt is in the database, no transaction is open, and the worker may die: the charge
        /// is made once and found.
        private func theKeyIsCommittedBeforeTheCall(_ merchant: Merchant) throws {
            let stack = merchant.stack
            let customers = try (0..<2).map { _ in try merchant.createCustomer() }
            let paid = try merchant.process(4999, of: customers[1]).id
            try disturb(merchant, "delay=5000")
            let calls = [
                SharedRequest(path: "\(customers[0].transactions)/~process", body: #"{"amount":1500}"#),
                SharedRequest(path: "\(customers[1].transactions)/\(paid)/~reverse", body: "{}"),
            ]
            for call in calls {
                let open = "select count(*) from billing.attempts where outcome = 'open'"
                let answers = try atOnce(2) { turn -> SharedAnswer? in
                    if turn == 0 { return try? merchant.atOnce([call]).first }
                    #expect(try waitUntil(timeout: 20) { try merchant.count(open) == 1 })
                    let look = """
                        select state, query from pg_stat_activity
                         where usename = 'billing_api' and (xact_start is not null or state like 'idle in%');
                        do $$ begin perform pg_sleep(0.02); end $$;
                        """
                    let inside = try stack.sql(String(repeating: look, count: 20))
                    #expect(inside.isEmpty)
                    for worker in try stack.workers(of: "serve") { kill(worker, SIGKILL) }
                    return nil
                }
                #expect(answers[0].map { $0.status >= 500 } ?? true, "\(answers)")
                try disturb(merchant, "delay=0")
                #expect(
                    try waitUntil(timeout: 20) {
                        try stack.sql(
                            "update billing.attempts set next_look_up = clock_timestamp() where outcome = 'open'"
                        )
                        return try merchant.count(open) == 0
                    })
                try disturb(merchant, "delay=5000")
            }
            try disturb(merchant, "delay=0")
            try merchant.awaitLines(of: customers[0], ["AP 2027-01-10 1500 1500"])
            try merchant.awaitLines(of: customers[1], ["AV 2027-01-10 4999 0", "AP 2027-01-10 4999 0"])
            let moved =
                "select count(*) from sandbox.movement where account = \(merchant.account) and amount = 1500"
            #expect(try merchant.count(moved) == 1)
            try merchant.expectSoundBooks()
            try theClockWaitsForWhatIsAtTheProcessor(merchant)
        }

        /// A day does not end while somebody's payment is at the processor, nor while it is not known what became of one whose sender
        /// died on the way: both are in the books on their day.
        private func theClockWaitsForWhatIsAtTheProcessor(_ merchant: Merchant) throws {
            let stack = merchant.stack
            let customer = try merchant.createCustomer()
            for (senderDies, day) in [(false, "2027-01-12"), (true, "2027-03-14")] {
                try disturb(merchant, "delay=3000")
                let call = SharedRequest(path: "\(customer.transactions)/~process", body: #"{"amount":1700}"#)
                let open = "from billing.attempts where outcome = 'open'"
                _ = try atOnce(2) { turn in
                    if turn == 0 {
                        _ = try? merchant.atOnce([call])
                        return
                    }
                    #expect(try waitUntil(timeout: 20) { try merchant.count("select count(*) \(open)") == 1 })
                    if senderDies {
                        for worker in try stack.workers(of: "serve") { kill(worker, SIGKILL) }
                        // The window of doubt, shortened; the jobs process leaves the attempt alone until then.
                        try stack.sql(
                            "update billing.attempts set next_look_up = clock_timestamp() + interval '4 seconds' where outcome = 'open'"
                        )
                    }
                    try disturb(merchant, "delay=0")
                    #expect(
                        try waitUntil(timeout: 20) {
                            try merchant.call(
                                "POST", "/accounts/\(merchant.account)/clock/~advance", #"{"to":"\#(day)"}"#
                            ).status == 200
                        })
                    #expect(try merchant.count("select count(*) \(open)") == 0)
                }
                let late = """
                    select count(*) from billing.attempts
                     where account_id = \(merchant.account) and settled_on <> business_date
                    """
                #expect(try merchant.count(late) == 0, "the sender dies: \(senderDies)")
            }
            #expect(
                try merchant.lines(of: customer) == ["AP 2027-01-10 1700 1700", "AP 2027-01-12 1700 1700"])
            try merchant.expectSoundBooks()
        }
    }
}
