import Foundation
import TestSupport
import Testing

/// A client that openapi-python-client makes from the served OpenAPI document performs sample 2.
@Suite(
    .enabled(if: programIsKnown, "needs BILLING_BINARY"),
    .enabled(if: readText("\(packageFolder)/Scripts/docs/build") != nil, "needs the documentation"))
struct GeneratedClientTests {
    private static let folder = "\(packageFolder)/Tests/EndToEndTests"

    @Test func `a generated client performs sample 2`() throws {
        let script = try Sample(
            try #require(readText("\(Self.folder)/Samples/02-membership-card/script.txt")))
        let merchant = try Merchant(clock: script.clock)
        let home = try TemporaryFolder(prefix: "billing-client")
        defer { home.remove() }
        let answer = merchant.stack.run(
            """
            tools=$(Scripts/python-tools)
            cd '\(home.path)'
            curl -sS --fail --noproxy '*' --cacert "$BILLING_RUN_DIR/ca.pem" -o openapi.json \
                "https://localhost:$BILLING_PORT/docs/openapi.json"
            PATH=$tools:$PATH openapi-python-client generate --path openapi.json --meta none \
                --output-path billing_client >generated.log 2>&1 || { cat generated.log; exit 1; }
            export BILLING_URL=https://localhost:$BILLING_PORT/api/v01 BILLING_CA=$BILLING_RUN_DIR/ca.pem
            export BILLING_USER='\(merchant.user)' BILLING_PASSWORD='\(merchant.password)'
            export BILLING_ACCOUNT_ID=\(merchant.account) PYTHONPATH=. PYTHONDONTWRITEBYTECODE=1
            "$tools/python" '\(Self.folder)/GeneratedClient/membership.py'
            """)
        try #require(answer.status == 0, "\(answer)")
        // The sample's end: the customer's line, then the transactions.
        let wanted =
            ["balance 0, status E"]
            + script.end.lines.filter { $0.hasPrefix("  ") }.map { String($0.dropFirst(2)) }
        #expect(answer.output.split(separator: "\n").map(String.init) == wanted)
        try merchant.expectSoundBooks()
    }
}
