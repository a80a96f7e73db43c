import TestSupport
import Testing

/// What is slow for one merchant account does not hold up another (spec 6.7).
@Suite(.enabled(if: programIsKnown, "needs BILLING_BINARY"))
struct FairnessTests {
    @Test func aSlowProcessorHoldsUpNobodyElse() throws {
        let stack = try RunningStack(workers: 4)
        defer { stack.end() }
        let slow = try Merchant(in: stack, clock: "2027-01-10")
        let other = try Merchant(in: stack, clock: "2027-01-10")
        let customers = try (0..<4).map { _ in try slow.createCustomer() }
        try stack.sql("insert into sandbox.disturbance (account, delay) values (\(slow.account), 4000)")
        let calls = customers.map { customer in
            """
            ask POST '\(slow.user):\(slow.password)' '\(customer.transactions)/~process' -H 'Content-Type: application/json' -d '{"amount":777}' >"$out/slow.\(customer.id)" &
            """
        }
        let answers = stack.run(
            """
            out=$(mktemp -d)
            trap 'rm -rf "$out"' EXIT
            ask() {
                curl -sS -m 30 --cacert "$BILLING_RUN_DIR/ca.pem" -o /dev/null -w '%{http_code} %{time_total}\\n' -X "$1" -u "$2" \
                    "https://localhost:\(stack.port)/api/v01$3" "${@:4}"
            }
            for i in {1..40}; do ask GET '\(other.user):\(other.password)' /customers >/dev/null & done
            wait
            \(calls.joined(separator: "\n"))
            for i in {1..60}; do ask GET '\(other.user):\(other.password)' /customers >>"$out/fast"; done
            wait
            sort "$out"/slow.* | cut -d' ' -f1 | paste -sd' '
            sort -k2 -n "$out/fast" | tail -1
            cut -d' ' -f1 "$out/fast" | sort | uniq -c | tr -s ' '
            """)
        let lines = answers.output.split(separator: "\n").map(String.init)
        try #require(answers.status == 0 && lines.count == 3, "\(answers)")
        // Three of four workers may be at the processor; the fourth payment is refused at once, and nothing of it is charged.
        #expect(lines[0] == "201 201 201 503", "\(answers)")
        #expect((Double(lines[1].split(separator: " ")[1]) ?? 99) < 2, "\(answers)")
        #expect(lines[2] == " 60 200", "\(answers)")
        #expect(
            try stack.sql("select count(*) from sandbox.movement where account = \(slow.account)") == "3")
        try slow.expectSoundBooks()
    }
}
