/// A card or bank account number with what belongs to it, in memory only.
public struct AccountNumbers: Sendable {
    public var number: String
    /// `MMYY` of a card, the routing number of a bank account.
    public var accessory: String

    /// A number and its accessory.
    public init(number: String, accessory: String) {
        self.number = number
        self.accessory = accessory
    }
}

/// Where card and bank account numbers are encrypted (spec 5; the design's rules for cards).
public protocol NumberVault: AnyObject {
    /// A new data key for a merchant account, wrapped by the master key.
    func newKey(for account: Int64) throws -> [UInt8]
    /// Encrypts the numbers of one payment option under its account's key.
    func seal(_ numbers: AccountNumbers, account: Int64, option: Int64, key: [UInt8]) throws -> [UInt8]
    /// Decrypts them; throws when the bytes were not sealed for this option.
    func open(_ sealed: [UInt8], account: Int64, option: Int64, key: [UInt8]) throws -> AccountNumbers
    /// A keyed hash that recognises the same number again within one account.
    func fingerprint(of number: String, account: Int64, key: [UInt8]) throws -> [UInt8]
    /// An unguessable token, 20–64 characters.
    func newToken() throws -> String
}
