/// What undoing reads.
public protocol ReversalStore: AnyObject {
    /// These transactions with what was undone of each and their ledger entries; ids ascending.
    func reversalSources(_ ids: [Identifier<Transaction>], account: Int64) throws -> [ReversalSource]
    /// The service fee (RF) that was charged for this transaction; nil where there is none.
    func serviceFee(for cause: Identifier<Transaction>, account: Int64) throws -> Identifier<Transaction>?
    /// The living allocations on either side of these transactions, ids ascending.
    func livingAllocations(of ids: [Identifier<Transaction>], account: Int64) throws -> [LivingAllocation]
}
