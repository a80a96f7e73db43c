import Foundation
import Glibc
import TestSupport
import Testing

extension TogetherTests {
    /// Jobs processes that share work, fail, stop and come back; what an operator sees of it (spec 5.2, 6.2, 6.6).
    @Suite(.serialized) struct JobsSharingTests {
        private let stack: RunningStack

        init() throws { stack = try TogetherTests.stack }

        /// The account's bills of a type.
        private func count(_ type: String, of merchant: Merchant) throws -> Int {
            try merchant.count(
                "select count(*) from billing.transactions where account_id = \(merchant.account) and type = '\(type)'"
            )
        }

        /// What `billing status --json` says.
        private func status() throws -> Tree {
            let answer = try stack.billing(["status", "--json"])
            return try #require(Tree(json: answer.output), "\(answer)")
        }

        /// `/readyz`: its status, and the problems it names.
        private func readiness() throws -> (status: Int, problems: [String]) {
            let page = try stack.page("/readyz")
            let problems = Tree(json: page.body)?["problems"]?.items ?? []
            return (page.status, problems.compactMap { $0["check"]?.scalar })
        }

        /// Many rows by SQL: customers without a payment option, each with one bill due today.
        private func addBills(_ count: Int, _ accounts: ClosedRange<Int>) throws {
            try stack.sql(
                """
                set search_path = billing;
                insert into merchant_accounts (account_id, name, clock_at)
                select n, 'Gym ' || n, '2027-01-10 00:00Z' from generate_series(\(accounts.lowerBound), \(accounts.upperBound)) n
                on conflict do nothing;
                with made as (
                  insert into customers (account_id, first_name, last_name, create_date)
                  select a, 'Ann', 'Lee', now()
                    from generate_series(\(accounts.lowerBound), \(accounts.upperBound)) a, generate_series(1, \(count)) n
                  returning account_id, customer_id)
                insert into subscriptions (account_id, customer_id, billing_cycle_type, billing_interval, amount,
                       first_billing_date, next_billing_date, create_date)
                select account_id, customer_id, 'M', 1, 1000, '2027-01-10', '2027-01-10', now() from made;
                """)
        }

        /// One merchant's thousands of bills do not hold up fifty others with ten each: they are done while most of it is not.
        @Test func aLargeMerchantDoesNotHoldUpSmallOnes() throws {
            try stack.withoutJobs {
                try addBills(10_000, 100...100)
                try addBills(10, 101...150)
            }
            let begun = monotonicSeconds()
            let due =
                "select count(*) from billing.subscriptions where next_billing_date = '2027-01-10' and account_id"
            #expect(try waitUntil(timeout: 60) { try stack.sql("\(due) between 101 and 150") == "0" })
            let left = Int(try stack.sql("\(due) = 100")) ?? 0
            print(
                "fairness: fifty small merchants were billed after \(monotonicSeconds() - begun) s, \(left) of 10000 left"
            )
            #expect(left > 4_000)
            // The rest need not be waited for.
            try stack.sql(
                "update billing.merchant_accounts set clock_at = clock_at - interval '1 day' where account_id = 100"
            )
        }

        /// Two processes are in one merchant's work at the same moment: while one stands in the middle of a batch of 500, the other
        /// bills the rest. It begins when the first one has its batch: of two that begin at once, each takes what it comes to first.
        @Test func twoProcessesWorkInParallel() throws {
            let account = 200
            try stack.withoutJobs {
                try addBills(550, account...account)
                let first = try stack.sql(
                    "select min(subscription_id) from billing.subscriptions where account_id = \(account)")
                try stack.sql(
                    """
                    create table public.go (yes boolean);
                    create function billing.planted() returns trigger language plpgsql security definer as
                      $$ begin
                        while not exists (select from public.go) loop perform pg_sleep(0.1); end loop;
                        return new;
                      end $$;
                    create trigger planted before update on billing.subscriptions for each row
                      when (new.subscription_id = \(first)) execute function billing.planted();
                    """)
            }
            let look = """
                select (select count(*) from billing.transactions where type = 'RI' and account_id = \(account)),
                       (select count(*) from pg_stat_activity where usename = 'billing_jobs' and wait_event = 'PgSleep')
                """
            #expect(try waitUntil(timeout: 30) { try stack.sql(look) == "0|1" })
            let second = try stack.start(["jobs"])
            defer { second.stop() }
            var seen = ""
            let isShared = try waitUntil(timeout: 30) {
                seen = try stack.sql(look)
                return seen == "50|1"
            }
            #expect(isShared, "invoices, processes that stand: \(seen)")
            try stack.sql("insert into public.go values (true)")
            #expect(try waitUntil(timeout: 30) { try stack.sql(look) == "550|0" })
            try stack.sql(
                "drop trigger planted on billing.subscriptions; drop function billing.planted; drop table public.go"
            )
            let checked = try stack.billing(["status", "--check"])
            #expect(checked.status == 0, "\(checked.output.prefix(3000))")
        }

        /// `billing run` of much is shared by several processes: each bill is made once, and the report counts them all.
        @Test func aPassIsSharedByProcesses() throws {
            let account = 220
            try stack.withoutJobs {
                try addBills(3_000, account...account)
                try stack.sql(
                    """
                    create table public.seen (pid integer);
                    create function billing.planted() returns trigger language plpgsql security definer as
                      $$ begin insert into public.seen values (pg_backend_pid()); return null; end $$;
                    create trigger planted after insert on billing.transactions execute function billing.planted();
                    """)
                let run = try stack.billing(["run", "--account", "\(account)", "--processes", "3", "--json"])
                #expect(run.status == 0 && Tree(json: run.output)?["invoices"] == .number("3000"), "\(run)")
                #expect(Tree(json: run.output)?["failures"] == .list([]), "\(run)")
                #expect(try stack.sql("select count(distinct pid) from public.seen") != "1")
                try stack.sql(
                    "drop trigger planted on billing.transactions; drop function billing.planted; drop table public.seen"
                )
                #expect(
                    try stack.sql(
                        "select count(*), count(distinct subscription_id) from billing.transactions where account_id = \(account)"
                    )
                        == "3000|3000")
                let again = try stack.billing(["run", "--account", "\(account)", "--json"])
                #expect(Tree(json: again.output)?["invoices"] == .number("0"), "\(again)")
            }
        }

        /// One of the processes is killed in the middle of its batch: the pass says so, and nothing is billed twice or lost.
        @Test func aProcessOfAPassIsKilled() throws {
            let account = 221
            try stack.withoutJobs {
                try addBills(1_500, account...account)
                try stack.sql(
                    """
                    create table public.go (yes boolean);
                    create function billing.planted() returns trigger language plpgsql security definer as
                      $$ begin
                        while not exists (select from public.go) loop perform pg_sleep(0.1); end loop;
                        return null;
                      end $$;
                    create trigger planted before insert on billing.transactions execute function billing.planted();
                    """)
                let run = try stack.start(["run", "--account", "\(account)", "--processes", "2", "--json"])
                defer { run.stop() }
                let standing =
                    "select count(*) from pg_stat_activity where usename = 'billing_jobs' and wait_event = 'PgSleep'"
                #expect(try waitUntil(timeout: 30) { try stack.sql(standing) == "2" })
                let helper = try #require(part(of: account))
                kill(helper, SIGKILL)
                try stack.sql("insert into public.go values (true)")
                #expect(run.wait() == 0)
                #expect(try waitUntil { try stack.sql(standing) == "0" })
                try stack.sql(
                    "drop trigger planted on billing.transactions; drop function billing.planted; drop table public.go"
                )
                #expect(try stack.billing(["run", "--account", "\(account)"]).status == 0)
                #expect(
                    try stack.sql(
                        "select count(*), count(distinct subscription_id) from billing.transactions where account_id = \(account)"
                    )
                        == "1500|1500")
            }
        }

        /// Somebody keeps a customer's row for longer than one wait for a lock (2 s) lasts, just when the processor's answer is to be
        /// taken into the books: `billing run` waits again, and ends as if nothing had been.
        @Test func aLockedCustomerDoesNotEndAPass() throws {
            try stack.withoutJobs {
                let merchant = try Merchant(in: stack, clock: "2027-01-09")
                let customer = try merchant.createCustomer(amount: 4999, first: "2027-01-10", length: 1)
                try merchant.setClock("2027-01-10")
                try stack.sql(
                    "insert into sandbox.disturbance (account, delay) values (\(merchant.account), 1000)")
                let run = try stack.start(["run", "--account", "\(merchant.account)", "--json"])
                defer { run.stop() }
                let open =
                    "select count(*) from billing.attempts where outcome = 'open' and account_id = \(merchant.account)"
                #expect(try waitUntil { try merchant.count(open) == 1 })
                // Until it has waited, given up, and waits again.
                try stack.sql(
                    """
                    begin;
                    select from billing.customers where customer_id = \(customer.id) for update;
                    do $$
                    declare
                      wanted integer;
                      ending timestamptz = clock_timestamp() + interval '30 s';
                    begin
                      foreach wanted in array array[1, 0, 1] loop
                        loop
                          perform pg_stat_clear_snapshot();
                          exit when (select count(*) from pg_stat_activity
                                      where usename = 'billing_jobs' and wait_event_type = 'Lock') = wanted;
                          if clock_timestamp() > ending then raise 'nobody waits, or not again'; end if;
                          perform pg_sleep(0.01);
                        end loop;
                      end loop;
                    end $$;
                    commit;
                    """)
                #expect(run.wait() == 0)
                try merchant.awaitLines(
                    of: customer, ["RI 2027-01-10 4999 0", "AP 2027-01-10 4999 0"])
            }
        }

        /// ~advance asks for the processor's notices with each of its days and notes the last: what `billing status --check` goes by.
        @Test func theClockNotesThatItAskedForNotices() throws {
            try stack.withoutJobs {
                let merchant = try Merchant(in: stack, clock: "2027-01-09")
                let customer = try merchant.createCustomer()
                _ = try merchant.process(1500, of: customer)
                try merchant.advance(to: "2027-01-14")
                #expect(
                    try stack.sql(
                        "select notices_through from billing.account_rounds where account_id = \(merchant.account)"
                    ) == "2027-01-14")
            }
        }

        /// The process that a pass over this account has started.
        private func part(of account: Int) -> pid_t? {
            let found = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
            return found.compactMap { pid_t($0) }.first { pid in
                let words = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") ?? Data()
                let text = String(decoding: words, as: UTF8.self).split(separator: "\0")
                return text.contains("--part") && text.contains("\(account)")
            }
        }

        /// A subscription whose step fails stands aside: the others are billed and collected, people are told, and it is tried
        /// again by itself and by `billing run`.
        @Test func whatFailsIsSetAside() throws {
            let merchant = try Merchant(in: stack, clock: "2027-01-09")
            let customers = try (0..<4).map { _ in
                try merchant.createCustomer(amount: 4999, first: "2027-01-10", length: 1)
            }
            // The first two cannot be billed; the number of the third cannot be read.
            try stack.sql(
                """
                create function billing.planted() returns trigger language plpgsql as
                  $$ begin raise exception 'planted'; end $$;
                create trigger planted before update on billing.subscriptions for each row
                  when (new.billed_count > old.billed_count
                        and new.subscription_id in (\(customers[0].subscription), \(customers[1].subscription)))
                  execute function billing.planted();
                create table public.kept as select * from billing.vault_entries where payment_option_id = \(customers[2].option);
                update billing.vault_entries set sealed = decode(repeat('00', 100), 'hex') where payment_option_id = \(customers[2].option);
                """)
            try merchant.setClock("2027-01-10")
            try merchant.awaitLines(of: customers[3], ["RI 2027-01-10 4999 0", "AP 2027-01-10 4999 0"])
            let aside =
                "select count(*) from billing.subscriptions where set_aside_reason is not null and account_id = \(merchant.account)"
            #expect(try waitUntil { try merchant.count(aside) == 3 })
            let listed = try status()["setAside"]?.items ?? []
            #expect(
                Set(listed.map { $0["subscriptionId"]?.integer })
                    == Set(customers[0...2].map(\.subscription)),
                "\(listed)")
            #expect(listed.contains { $0["reason"]?.scalar?.contains("planted") == true }, "\(listed)")
            #expect(listed.allSatisfy { $0["times"] == .number("1") }, "\(listed)")
            #expect(try stack.page("/metrics").body.contains("billing_subscriptions_set_aside 3\n"))
            let missed = try stack.sql(
                "select subscription_id, set_aside_reason is not null from billing.missed_bills where account_id = \(merchant.account) order by 1"
            )
            #expect(missed == customers[0...1].map { "\($0.subscription)|t" }.joined(separator: "\n"))
            // It has an alarm of its own: one that fails does not take the server out of use.
            #expect(try readiness().status == 200)

            // It fails again when its time has come: the next time is later.
            let minutes = """
                select string_agg(round(extract(epoch from set_aside_until - set_aside_at) / 60)::text || 'x' || set_aside_times, ' ')
                  from billing.subscriptions where subscription_id = \(customers[0].subscription)
                """
            for (times, wait) in [(2, 2), (3, 4), (4, 8)] {
                try stack.sql(
                    "update billing.subscriptions set set_aside_until = clock_timestamp() where account_id = \(merchant.account)"
                )
                #expect(
                    try waitUntil { try stack.sql(minutes) == "\(wait)x\(times)" })
            }
            try stack.sql(
                """
                drop trigger planted on billing.subscriptions;
                drop function billing.planted;
                update billing.vault_entries e set sealed = k.sealed from public.kept k
                 where e.payment_option_id = k.payment_option_id and e.account_id = k.account_id;
                drop table public.kept;
                update billing.subscriptions set set_aside_until = clock_timestamp() where subscription_id = \(customers[0].subscription);
                """)
            let paid = ["RI 2027-01-10 4999 0", "AP 2027-01-10 4999 0"]
            try merchant.awaitLines(of: customers[0], paid)
            #expect(try merchant.count(aside) == 2)
            #expect(try stack.billing(["run", "--account", "\(merchant.account)"]).status == 0)
            for customer in customers[1...2] { try merchant.awaitLines(of: customer, paid) }
            #expect(try merchant.count(aside) == 0)
            #expect(try status()["setAside"] == .list([]))
            try merchant.expectSoundBooks()
        }

        /// No jobs process any more: red, with the reason; green again as soon as the work is done.
        @Test func missedBillsTurnReadinessRed() throws {
            let merchant = try Merchant(in: stack)
            try stack.sql(
                "update billing.merchant_accounts set clock_at = null where account_id = \(merchant.account)")
            try stack.withoutJobs {
                #expect(try readiness().status == 200)
                let today = try stack.sql("select (now() at time zone 'UTC')::date")
                let customer = try merchant.createCustomer(amount: 4999, first: today)
                // Due since midnight, but not late: it was made a moment ago.
                #expect(try readiness().status == 200)
                try stack.sql(
                    """
                    update billing.subscriptions set create_date = now() - interval '2 days', next_billing_date = next_billing_date - 1,
                           first_billing_date = first_billing_date - 1
                     where subscription_id = \(customer.subscription)
                    """)
                #expect(try readiness() == (503, ["bills"]))
                #expect(try status()["missedBills"] == .number("1"))
                try stack.sql(
                    "update billing.jobs_processes set heartbeat_at = heartbeat_at - interval '2 minutes'")
                #expect(try readiness() == (503, ["jobs", "bills"]))
            }
            #expect(try waitUntil(timeout: 30) { try readiness().status == 200 })
            #expect(try count("RI", of: merchant) == 1)
        }

        /// A process is stopped in the middle of a transaction: its rows are free when the database ends that, another bills them,
        /// and when it is woken nothing is done twice.
        @Test func aStoppedProcessHoldsNobodyUpForLong() throws {
            let merchant = try Merchant(in: stack, clock: "2027-01-09")
            let customers = try (0..<3).map { _ in
                try merchant.createCustomer(amount: 4999, first: "2027-01-10", length: 1)
            }
            // Reading the last of them takes a second: there the process is stopped, with all of them locked and nothing written.
            try stack.sql(
                """
                create function billing.planted() returns boolean language plpgsql volatile as
                  $$ begin perform pg_sleep(1); return true; end $$;
                create policy planted on billing.subscriptions as restrictive to billing_jobs
                  using (subscription_id <> \(customers[2].subscription) or billing.planted());
                """)
            let jobs = try #require(stack.pid(of: "jobs"))
            try merchant.setClock("2027-01-10")
            let asleep = """
                select count(*) from pg_stat_activity
                 where usename = 'billing_jobs' and wait_event = 'PgSleep' and query like '%for no key update%'
                """
            #expect(try waitUntil { try merchant.count(asleep) == 1 })
            kill(jobs, SIGSTOP)
            defer { kill(jobs, SIGCONT) }
            let begun = monotonicSeconds()
            // This waits for the rows, too.
            try stack.sql("drop policy planted on billing.subscriptions; drop function billing.planted")
            let second = try stack.start(["jobs"])
            defer { second.stop() }
            let paid = ["RI 2027-01-10 4999 0", "AP 2027-01-10 4999 0"]
            for customer in customers { try merchant.awaitLines(of: customer, paid) }
            let waited = monotonicSeconds() - begun
            print("a stopped jobs process held its rows for \(waited) s")
            #expect((5...25).contains(waited))

            // Stopped at the processor, it holds nothing that others need: they ask what became of its order.
            kill(jobs, SIGCONT)
            second.stop()
            try stack.sql(
                "insert into sandbox.disturbance (account, delay) values (\(merchant.account), 2000)")
            let late = try merchant.createCustomer(amount: 2000, first: "2027-01-10", length: 1)
            let open =
                "select count(*) from billing.attempts where outcome = 'open' and account_id = \(merchant.account)"
            #expect(try waitUntil { try merchant.count(open) == 1 })
            kill(jobs, SIGSTOP)
            try stack.sql(
                "delete from sandbox.disturbance; update billing.attempts set next_look_up = clock_timestamp() where outcome = 'open'"
            )
            let third = try stack.start(["jobs"])
            defer { third.stop() }
            try merchant.awaitLines(of: late, ["RI 2027-01-10 2000 0", "AP 2027-01-10 2000 0"])
            kill(jobs, SIGCONT)
            #expect(
                try waitUntil {
                    try merchant.count("select count(*) from pg_locks where locktype = 'advisory'") == 0
                })
            #expect(try (count("RI", of: merchant), count("AP", of: merchant)) == (4, 4))
            #expect(
                try merchant.count(
                    "select count(*) from sandbox.movement where account = \(merchant.account)")
                    == 4)
            try merchant.expectSoundBooks()
        }
    }
}
