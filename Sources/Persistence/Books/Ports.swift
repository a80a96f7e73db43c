public import Domain

extension PostgresStore: Store {}

extension PostgresBooks: Books {
    public func transaction<Result>(
        reaching accounts: [Int64], _ body: (any Store) throws -> Result
    ) throws -> Result {
        try withStore(reaching: accounts) { try body($0) }
    }

    public func reading<Result>(
        reaching accounts: [Int64], _ body: (any Store) throws -> Result
    ) throws -> Result {
        try reading(reaching: accounts) { (store: PostgresStore) in try body(store) }
    }
}
