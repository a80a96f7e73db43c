import Domain

// What explanations read: no actor of the simulator asks for one, because explaining changes nothing.
extension MemoryStore {
    private func unread() -> Never { preconditionFailure("no simulated actor explains") }

    func origin(
        of transaction: Identifier<Transaction>, account: Int64
    ) throws -> ExplanationFacts.Origin? { unread() }

    func account(_ id: Int64, policyVersion: Int) throws -> MerchantAccount? { unread() }

    func explainedAttempt(
        _ transaction: Identifier<Transaction>, account: Int64
    ) throws -> ExplanationFacts.Attempt? { unread() }

    func declines(
        of invoice: Identifier<Transaction>, before transaction: Identifier<Transaction>, account: Int64
    ) throws -> [ExplanationFacts.Decline] { unread() }

    func givenBack(
        of source: Identifier<Transaction>, before transaction: Identifier<Transaction>, account: Int64
    ) throws -> ExplanationFacts.GivenBack { unread() }

    func paid(
        of invoice: Identifier<Transaction>, before writeOff: Identifier<Transaction>, account: Int64
    ) throws -> Money { unread() }

    func actor(
        ofAdjustment place: Int, of subscription: Identifier<Subscription>, account: Int64
    ) throws -> Actor? { unread() }

    func billedCycles(
        of subscription: Identifier<Subscription>, before cycle: Int, account: Int64
    ) throws -> Set<Int> { unread() }
}
