/// Tells why a transaction has its amount and date (spec 1.5 ~explain).
public struct ExplainTransaction {
    let transaction: Transaction

    /// Explains this transaction.
    public init(_ transaction: Transaction) {
        self.transaction = transaction
    }

    /// Reads what is stored and explains it; changes nothing.
    public func execute(in store: any Store) throws -> Explanation {
        let account = transaction.accountID
        let customer = transaction.customerID
        guard let state = try store.account(account) else {
            throw Refusal(.notFound, "there is no merchant account \(account)")
        }
        var facts = ExplanationFacts(transaction: transaction, account: state.account)
        facts.subscription = try transaction.facts.subscriptionID.flatMap {
            try store.subscription(of: customer, account: account, .id($0.rawValue))
        }
        if transaction.facts.attemptID != nil {
            facts.attempt = try store.explainedAttempt(transaction.id, account: account)
        }
        facts.actor = try store.actor(of: transaction.id, account: account)
        if let source = transaction.facts.sourceID {
            facts.source = try store.transaction(of: customer, account: account, .id(source.rawValue))
            facts.givenBefore = try store.givenBack(of: source, before: transaction.id, account: account)
            // What the rules charge for something was caused by whoever caused that.
            if facts.actor == nil, transaction.facts.type.isFee {
                facts.actor = try store.actor(of: source, account: account)
            }
        }
        facts.allocations =
            try store.allocations(
                of: transaction.id, account: account, Page(offset: 0, limit: 100, after: nil)
            ).items
        return Explaining(facts).explain()
    }
}
