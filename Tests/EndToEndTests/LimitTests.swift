import Foundation
import TestSupport
import Testing

extension TogetherTests {
    /// What is refused because it is too much: requests a second, requests that nobody can take, a journal in one answer (spec 3.11
    /// L05, S02, V32; 4.6).
    @Suite(.serialized) struct LimitTests {
        /// More requests a second than a service user of a live account may send; one of a sandbox account may.
        @Test(arguments: Media.allCases) func requestsASecond(media: Media) throws {
            let stack = try TogetherTests.stack
            let sandbox = try Merchant(in: stack)
            let live = try Merchant(in: stack, clock: nil, mode: "live")
            // One second's worth at once, one more for each fifth of a second that passes meanwhile.
            let request = SharedRequest(method: "GET", path: "/customers")
            let answers = try live.atOnce(Array(repeating: request, count: 40))
            #expect(Set(answers.map(\.description)) == ["200", "429 L05"], "\(answers)")
            #expect(try sandbox.atOnce(Array(repeating: request, count: 40)).allSatisfy { $0.status == 200 })
            let refused = try #require(
                try (0..<20).lazy.map { _ in try live.call("GET", "/customers", accept: media.rawValue) }
                    .first { $0.status != 200 })
            FailureTests.expect(refused, "L05", 429, media)
            #expect((Int(refused.headers["retry-after"] ?? "") ?? 0) >= 1, "\(refused.headers)")
            // Asked again when it said, it is answered.
            #expect(try waitUntil(timeout: 10) { try live.call("GET", "/customers").status == 200 })
        }

        /// nginx by itself, with the production limits drawn tight and no worker to be reached: 503, and 429 for what comes too fast.
        @Test func nginxRefusesInTheCallersFormat() throws {
            let stack = try TogetherTests.stack
            let merchant = try Merchant(in: stack)
            let port = findFreePort()
            let answer = stack.run(
                """
                own=$(mktemp -d); chmod 755 "$own"; trap 'kill $(cat "$own/pid"); rm -rf "$own"' EXIT
                sed -e 's/localhost:\(stack.port)/localhost:\(port)/; s/:\(stack.port) /:\(port) /g' -e "s|^pid .*|pid $own/pid;|" \
                    -e 's|/billing.sock|/nobody.sock|' -e 's|binary_remote_addr zone=callers:10m rate=200r/s|http_accept zone=callers:10m rate=1r/s|' \
                    -e 's|limit_conn inside 512;|& limit_req zone=callers burst=1 nodelay;|' \
                    "$BILLING_RUN_DIR/state/nginx/nginx.conf" >"$own/nginx.conf"
                grep -q 'burst=1 nodelay' "$own/nginx.conf"
                nginx -p "$own" -c "$own/nginx.conf"
                for type in \(Media.allCases.map(\.rawValue).joined(separator: " ")); do
                    for each in 1 2 3 4 5 6; do
                        curl -sS -i -m 10 --noproxy '*' --cacert "$BILLING_RUN_DIR/ca.pem" -H "Accept: $type" \
                            "https://localhost:\(port)/api/v01/customers"
                        printf '\\n=====\\n'
                    done
                done
                """)
            try #require(answer.status == 0, "\(answer)")
            let texts = answer.output.components(separatedBy: "\n=====\n").dropLast()
            try #require(texts.count == 18, "\(answer)")
            var seen: [Media: Set<Int>] = [:]
            for (number, text) in texts.enumerated() {
                let refused = try merchant.read(text, of: "GET /customers")
                let media = Media.allCases[number / 6]
                seen[media, default: []].insert(refused.status)
                let isBusy = refused.status == 503
                FailureTests.expect(refused, isBusy ? "S02" : "L05", isBusy ? 503 : 429, media)
                #expect(refused.headers["retry-after"] == "1", "\(refused.headers)")
            }
            for media in Media.allCases { #expect(seen[media] == [429, 503], "\(media): \(seen)") }
        }

        /// A journal longer than 16 MiB is refused in one sentence that says what to do, and by parts it is there.
        @Test func aJournalThatIsTooLong() throws {
            let stack = try TogetherTests.stack
            let merchant = try Merchant(in: stack)
            let customer = try merchant.createCustomer()
            // 125,000 entries of one day and 100 of the next. Not by the rules: they are gone before the books are looked at.
            try stack.sql(
                """
                set search_path = billing; set session_replication_role = replica;
                insert into transactions (account_id, transaction_id, customer_id, type, amount, due_date, creator_code, create_date)
                select \(merchant.account), 900000000 + n, \(customer.id), 'RI', 100, '2027-01-01'::date + n / 125000, 'test', now()
                  from generate_series(0, 125099) n;
                insert into ledger_entries (account_id, transaction_id, line, customer_id, entry_date, debit, credit, amount)
                select account_id, transaction_id, 1, customer_id, due_date, 'receivable', 'revenue:other', amount
                  from transactions where account_id = \(merchant.account);
                analyze transactions; analyze ledger_entries;
                """)
            defer {
                _ = try? stack.sql(
                    """
                    set search_path = billing; set session_replication_role = replica;
                    delete from ledger_entries where account_id = \(merchant.account);
                    delete from transactions where account_id = \(merchant.account);
                    """)
            }
            let path = "/ledger?format=journal&accountId=\(merchant.account)"
            let refused = try merchant.call("GET", path)
            FailureTests.expect(refused, "V32", 422, field: "dateTo")
            #expect(refused["failureMessage"]?.contains("ask for fewer days") == true, "\(refused)")
            let part = try merchant.call("GET", "\(path)&dateFrom=2027-01-02")
            #expect(part.status == 200 && part.body.components(separatedBy: " RI ").count == 101)
            let list = try merchant.call("GET", "/ledger?accountId=\(merchant.account)&limit=3")
            #expect(list.tree.items.count == 3, "\(list)")
        }
    }
}
