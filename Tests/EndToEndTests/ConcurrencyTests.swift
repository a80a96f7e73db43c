import Glibc
import Synchronization
import TestSupport
import Testing

extension TogetherTests {
    /// Many callers and the billing run on the same customers at once: what was acknowledged is there, once, and nothing else
    /// (spec 4.5, 5.3, 5.6).
    ///
    /// The seed is printed; BILLING_TEST_SEED repeats one; BILLING_TEST_REQUESTS says how many each client sends.
    @Suite(.serialized) struct ConcurrencyTests {
        /// Refusals that callers may get who change the same things at once.
        private static let allowed: Set = ["V21", "V30", "V32", "V33", "V36"]
        /// What a transaction does to the balance (spec 3.2); a decline of a real-time payment nothing.
        private static let signs = [
            "RI": 1, "RF": 1, "RL": 1, "RA": 1, "RX": 1, "AV": 1, "AR": 1, "AG": 1, "RC": -1, "RR": -1,
            "AP": -1,
            "AC": -1, "AA": -1, "AS": -1, "AX": -1, "AD": 0,
        ]

        @Test func whatIsAcknowledgedIsTheBalance() throws {
            let seed = testSeed()
            let requests = environmentValue("BILLING_TEST_REQUESTS").flatMap { Int($0) } ?? 45
            print("concurrency: seed \(seed)")
            let stack = try TogetherTests.stack
            let merchant = try Merchant(
                in: stack, clock: "2027-01-09", settings: ["retryFee=100", "softDeclineFee=50"])
            var random = SeededGenerator(seed)
            let customers = try (0..<20).map { number -> TestCustomer in
                // Every fourth is declined softly at first, every tenth has a payment charged and its answer lost.
                let amount = number % 4 == 3 ? 8200 : Int.random(in: 500...6999, using: &random)
                return try merchant.createCustomer(
                    card: number % 10 == 9 ? Card.losesAnswer : Card.visa, amount: amount,
                    first: "2027-01-\(10 + number % 9)")
            }
            let options = try customers.map { customer in
                try merchant.call(
                    "PUT", "\(customer.path)/payment-options",
                    #"{"accountNumber":"\#(Card.masterCard)","accountAccessory":"1233","holderName":"Ann Lee"}"#
                ).id
            }
            let storm = zip(customers, options).map { customer, option in
                #"{"id":\#(customer.id),"subscription":\#(customer.subscription),"options":[\#(customer.option),\#(option)]}"#
            }
            let task = """
                {"seed":\(seed),"clients":8,"requests":\(requests),"customers":[\(storm.joined(separator: ","))]}
                """
            let further = try (1...3).map { _ in try stack.start(["jobs"]) }
            defer { further.forEach { $0.stop() } }
            let mover = Mover(merchant)
            let output = try mover.whileMoving { try merchant.clients("storm", task) }
            let lines = output.split(separator: "\n").compactMap { Tree(json: String($0)) }
            #expect(lines.count > 8 * requests / 2, "\(output.prefix(2000))")
            var outcomes: [String: Int] = [:]
            for line in lines { outcomes[Self.outcome(of: line), default: 0] += 1 }
            let table = outcomes.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
            print("concurrency: \(lines.count) requests, \(table), \(mover.moves) moves of the clock")
            for line in lines {
                let code = line["answer"]?["failureCode"]?.scalar
                #expect(
                    [200, 201, 202].contains(line["status"]?.integer)
                        || code.map(Self.allowed.contains) == true,
                    "seed \(seed): \(line)")
                if let repeated = line["repeated"] {
                    // What was pending may be settled meanwhile: then the repetition says what became of it.
                    let known =
                        [line["status"]?.integer] + (line["status"]?.integer == 202 ? [200, 201] : [])
                    #expect(
                        known.contains(repeated[0]?.integer) && repeated[1]?.scalar == "true"
                            && repeated[2] == line["answer"]?["id"], "seed \(seed): \(line)")
                }
            }
            // Whatever is still unknown is asked for.
            #expect(
                try waitUntil(timeout: 30) {
                    try stack.sql(
                        "update billing.attempts set next_look_up = clock_timestamp() where outcome = 'open'")
                    return try merchant.count("select count(*) from billing.attempts where outcome = 'open'")
                        == 0
                })
            for customer in customers {
                try expectAcknowledged(
                    lines.filter { $0["customer"]?.integer == customer.id }, customer, merchant, seed)
            }
            try merchant.expectSoundBooks()
        }

        /// `process 201`, `reverse 409 V36`.
        private static func outcome(of line: Tree) -> String {
            let words = [line["kind"], line["status"], line["answer"]?["failureCode"]]
            return words.compactMap { $0?.scalar }.joined(separator: " ")
        }

        /// Every acknowledged transaction exists, once and as it was told; all others are the run's; their sum is the balance.
        private func expectAcknowledged(
            _ lines: [Tree], _ customer: TestCustomer, _ merchant: Merchant, _ seed: UInt64
        ) throws {
            let entries = try merchant.entries(of: customer)
            let byID = Dictionary(grouping: entries, by: \.id)
            #expect(byID.count == entries.count && entries.count < 1000)
            var acknowledged: Set<Int> = []
            for line in lines where ["process", "create", "reverse"].contains(line["kind"]?.scalar) {
                guard let status = line["status"]?.integer, let answer = line["answer"] else { continue }
                let tag = line["tag"]?.scalar ?? ""
                if status < 300 {
                    let id = answer["id"]?.integer ?? -1
                    #expect(acknowledged.insert(id).inserted, "seed \(seed): \(line)")
                    let entry = try #require(byID[id]?.first, "seed \(seed): not there: \(line)")
                    // A pending one may have become a decline since.
                    #expect(
                        entry.type == answer["type"]?.scalar || status == 202 && entry.type == "AD",
                        "seed \(seed): \(entry) for \(line)")
                    #expect(entry.amount == answer["amount"]?.integer, "seed \(seed): \(entry) for \(line)")
                } else {
                    let trace = entries.first {
                        $0.tree["code"]?.scalar == tag || $0.tree["note"]?.scalar == tag
                    }
                    #expect(trace == nil, "seed \(seed): refused, and there: \(line)")
                }
            }
            let others = entries.filter { !acknowledged.contains($0.id) }
            for entry in others {
                #expect(
                    entry.tree["creatorCode"]?.scalar == "billing-run",
                    "seed \(seed): nobody was told of \(entry.tree)")
            }
            let sum = entries.reduce(0) { $0 + (Self.signs[$1.type] ?? 1_000_000_000) * $1.amount }
            let answer = try merchant.call("GET", customer.path)
            #expect(answer["balance"] == "\(sum)", "seed \(seed): \(entries)")
        }
    }
}

/// Moves a merchant's clock while others work: by ~advance, and by `billing run` of the days that SQL jumped to.
private final class Mover: Sendable {
    private let merchant: Merchant
    private let isOver = Mutex(false)
    private let made = Mutex(0)

    /// How often the clock was moved.
    var moves: Int { made.withLock { $0 } }

    init(_ merchant: Merchant) { self.merchant = merchant }

    func whileMoving<Result: Sendable>(_ body: @Sendable @escaping () throws -> Result) throws -> Result {
        let results = try atOnce(2) { turn -> Result? in
            if turn == 0 {
                defer { self.isOver.withLock { $0 = true } }
                return try body()
            }
            try self.move()
            return nil
        }
        return try #require(results[0])
    }

    private func move() throws {
        for day in 10...40 where !isOver.withLock({ $0 }) {
            let date = day <= 31 ? "2027-01-\(day)" : "2027-02-0\(day - 31)"
            if day % 3 == 0 {
                try merchant.setClock(date)
                let passes = try (1...2).map { _ in
                    try merchant.stack.start(["run", "--account", "\(merchant.account)"])
                }
                for pass in passes where pass.wait() != 0 {
                    throw SetupFailure(
                        "billing run: \(readText("\(merchant.stack.folder)/further.log") ?? "")")
                }
            } else {
                let answer = try merchant.call(
                    "POST", "/accounts/\(merchant.account)/clock/~advance", #"{"to":"\#(date)"}"#)
                guard answer.status == 200 else { throw SetupFailure("~advance: \(answer)") }
            }
            made.withLock { $0 += 1 }
        }
    }
}
