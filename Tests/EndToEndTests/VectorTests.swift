import TestSupport
import Testing

/// The contract's vectors and cases of the same form, through the interface. The pure rules run the same files in DomainTests;
/// what each case gave is printed, a line a case.
@Suite(.enabled(if: programIsKnown, "needs BILLING_BINARY"))
struct VectorTests {
    private static func fixture(_ name: String) throws -> String {
        try #require(readText("\(packageFolder)/Tests/DomainTests/Fixtures/\(name)"))
    }

    /// A subscription of a case of `schedule.csv`, and what the case expects of it.
    private struct Scheduled {
        let name: String
        let path: String
        let customer: TestCustomer
        /// The dates of cycles 2 to 5.
        let dates: [String]
        var previewed: [String] = []
    }

    /// Oracle: `schedule.csv` of the contract: first date, cycle, interval, then the dates of cycles 2 to 5.
    @Test("schedule.csv: by ~preview, and by moving the clock through all its days")
    func schedule() throws {
        let merchant = try Merchant(clock: "2024-01-01")
        let rows = try Self.fixture("schedule.csv").split(separator: "\n").filter { !$0.hasPrefix("#") }
            .map { $0.split(separator: ",").map(String.init) }
        var all: [Scheduled] = []
        for row in rows {
            // Nothing on file: the invoices stay open, nothing is collected.
            let made = try merchant.call(
                "PUT", "/customers",
                """
                {"firstName":"Ann","lastName":"Lee","subscriptions":[{"amount":4999,"firstBillingDate":"\(row[0])",\
                "billingCycleType":"\(row[1])","billingInterval":\(row[2])}]}
                """)
            try #require(made.status == 201, "\(made)")
            let subscription = try #require(made.tree["subscriptions"]?[0]?["id"]?.integer)
            all.append(
                Scheduled(
                    name: row[..<3].joined(separator: " "),
                    path: "/customers/\(made.id)/subscriptions/\(subscription)",
                    customer: TestCustomer(id: made.id, option: -1, subscription: subscription),
                    dates: Array(row[3...])))
        }
        for index in all.indices {
            let preview = try merchant.call("GET", "\(all[index].path)/~preview?count=5")
            all[index].previewed = preview.tree.items.compactMap { $0["billingDate"]?.scalar }
        }
        // A year at a time: an answer may take two minutes.
        for day in ["2025-01-01", "2026-01-01", "2027-01-01", "2028-01-01", "2028-08-31"] {
            try merchant.advance(to: day)
        }
        #expect(all.count == 8)
        for one in all {
            let billed = try merchant.entries(of: one.customer).map(\.tree)
                .filter { (2...5).contains($0["cycleNumber"]?.integer ?? 0) }
            let got = billed.compactMap { $0["dueDate"]?.scalar }
            print(
                "schedule: \(one.name): expected \(one.dates), ~preview \(one.previewed.dropFirst()), billed \(got)"
            )
            #expect(Array(one.previewed.dropFirst()) == one.dates, "\(one.name)")
            #expect(got == one.dates, "\(one.name)")
            // Made on its own day, not only dated so.
            #expect(billed.compactMap { $0["createDate"]?.scalar?.prefix(10) } == one.dates.map { $0[...] })
        }
        try merchant.expectSoundBooks()
    }

    /// Oracle: `balancing.json` of the contract, and cases worked by hand from the sentences of spec 5.4.
    @Test(
        "balancing: by ~create, refunds and ~reverse", arguments: ["balancing.json", "balancing-more.json"])
    func balancing(file: String) throws {
        let cases = try #require(Tree(json: try Self.fixture(file))).items
        #expect(cases.count == (file == "balancing.json" ? 4 : 28))
        var merchants: [String: Merchant] = [:]
        for (number, one) in cases.enumerated() {
            let algorithm = try #require(one["algorithm"]?.scalar)
            let merchant = try merchants[algorithm] ?? Merchant(settings: ["balancingAlgorithm=\(algorithm)"])
            merchants[algorithm] = merchant
            var run = try BalancingRun(one, number: number, merchant)
            try run.play()
            let name = one["name"]?.scalar ?? "?"
            let got = try run.allocations()
            let left = try run.left()
            let balance = try merchant.call("GET", run.customer.path)["balance"] ?? "?"
            print(
                "balancing: \(name): expected \(run.expectedAllocations) left \(run.expectedLeft.sorted(by: <)) balance",
                "\(one["balance"]?.scalar ?? "?"), got \(got) left \(left.sorted(by: <)) balance \(balance)")
            #expect(got == run.expectedAllocations, "\(name)")
            #expect(left == run.expectedLeft, "\(name)")
            #expect(balance == one["balance"]?.scalar, "\(name)")
        }
        for merchant in merchants.values { try merchant.expectSoundBooks() }
    }
}

/// A case of balancing, played by one customer.
private struct BalancingRun {
    let merchant: Merchant
    let customer: TestCustomer
    private let tree: Tree
    /// Makes the case's codes unique within the account.
    private let number: Int
    /// The case's numbers and ours.
    private var ids: [Int: Int] = [:]

    init(_ tree: Tree, number: Int, _ merchant: Merchant) throws {
        (self.tree, self.number, self.merchant) = (tree, number, merchant)
        customer = try merchant.createCustomer()
    }

    /// By pairs, each with what its allocations amount to.
    var expectedAllocations: [[Int]] {
        (tree["allocations"]?.items ?? []).map { $0.items.compactMap(\.integer) }
            .sorted { $0.lexicographicallyPrecedes($1) }
    }

    /// What has something left, by the case's number.
    var expectedLeft: [Int: Int] {
        guard case .object(let members)? = tree["left"] else { return [:] }
        var left: [Int: Int] = [:]
        for (name, value) in members { left[Int(name) ?? -1] = value.integer }
        return left.filter { $0.value != 0 }
    }

    /// Makes everything in the order of the case's numbers, then refunds and reverses.
    mutating func play() throws {
        let items = (tree["open"]?.items ?? []) + (tree["credit"]?.items ?? [])
        for item in items.sorted(by: { ($0["id"]?.integer ?? 0) < ($1["id"]?.integer ?? 0) }) {
            let left = item["open"]?.integer ?? item["left"]?.integer ?? 0
            let amount = item["amount"]?.integer ?? left
            let id = try create(item, amount)
            if amount > left {
                // What was paid of it before the case begins.
                try put(
                    #"{"type":"AP","accountType":"K","amount":\#(amount - left),"invoiceList":"\#(id)"}"#)
            }
        }
        for step in tree["then"]?.items ?? [] {
            let made: Int
            if let source = step["refund"]?.integer {
                made = try put(
                    """
                    {"type":"AR","accountType":"K","amount":\(step["amount"]?.integer ?? 0),"sourceId":\(ids[source] ?? -1)}
                    """)
            } else {
                let answer = try merchant.reverse(ids[step["reverse"]?.integer ?? -1] ?? -1, of: customer)
                try #require(answer.status == 200, "\(answer)")
                made = answer.id
            }
            ids[step["id"]?.integer ?? -1] = made
        }
    }

    private mutating func create(_ item: Tree, _ amount: Int) throws -> Int {
        let type = item["type"]?.scalar ?? "?"
        var members = [#""type":"\#(type)""#, #""amount":\#(amount)"#]
        if let due = item["due"]?.scalar { members.append(#""dueDate":"\#(due)""#) }
        if type == "AP" { members.append(#""accountType":"\#(item["means"]?.scalar ?? "K")""#) }
        if let code = item["code"]?.scalar { members.append(#""code":"\#(code)-\#(number)""#) }
        if let list = item["invoiceList"]?.scalar {
            // Spaces and order stay as the case has them.
            let ours = list.split(separator: ",").map { part in
                let name = part.drop { $0 == " " }
                let space = String(repeating: " ", count: part.count - name.count)
                return space
                    + (name.hasPrefix("*") ? "\(name)-\(number)" : "\(ids[Int(name) ?? -1] ?? -1)")
            }
            members.append(#""invoiceList":"\#(ours.joined(separator: ","))""#)
        }
        let id = try put("{\(members.joined(separator: ","))}")
        ids[item["id"]?.integer ?? -1] = id
        return id
    }

    @discardableResult
    private func put(_ body: String) throws -> Int {
        let made = try merchant.call("PUT", customer.transactions, body)
        try #require(made.status == 201, "\(made)")
        return made.id
    }

    /// The living allocations between what the case names, by pairs.
    func allocations() throws -> [[Int]] {
        let names = Dictionary(uniqueKeysWithValues: ids.map { ($1, $0) })
        var seen: Set<Int> = []
        var sums: [[Int]: Int] = [:]
        for id in ids.values {
            let found = try merchant.call("GET", "\(customer.transactions)/\(id)/allocations").tree.items
            for one in found where one["endDate"] == nil {
                guard seen.insert(one["id"]?.integer ?? -1).inserted,
                    let source = names[one["sourceId"]?.integer ?? -1],
                    let target = names[one["targetId"]?.integer ?? -1]
                else { continue }
                sums[[source, target], default: 0] += one["amount"]?.integer ?? 0
            }
        }
        return sums.map { $0 + [$1] }.sorted { $0.lexicographicallyPrecedes($1) }
    }

    /// What has something left, by the case's number.
    func left() throws -> [Int: Int] {
        let names = Dictionary(uniqueKeysWithValues: ids.map { ($1, $0) })
        var left: [Int: Int] = [:]
        for entry in try merchant.entries(of: customer) where entry.balance != 0 {
            left[names[entry.id] ?? -entry.id] = entry.balance
        }
        return left
    }
}
