import Domain

/// A vault without encryption; what it seals says for which option, so that a mix-up shows.
final class MemoryVault: NumberVault {
    private let world: World

    init(_ world: World) { self.world = world }

    func newKey(for account: Int64) -> [UInt8] { Array("key-\(account)".utf8) }

    func seal(_ numbers: AccountNumbers, account: Int64, option: Int64, key: [UInt8]) -> [UInt8] {
        Array("\(account)/\(option)/\(numbers.number)/\(numbers.accessory)".utf8)
    }

    func open(_ sealed: [UInt8], account: Int64, option: Int64, key: [UInt8]) throws -> AccountNumbers {
        let parts = String(decoding: sealed, as: UTF8.self).split(separator: "/").map(String.init)
        guard parts.count == 4, parts[0] == "\(account)", parts[1] == "\(option)" else {
            throw DatabaseRefused(constraint: "vault", detail: "sealed for another option")
        }
        return AccountNumbers(number: parts[2], accessory: parts[3])
    }

    func fingerprint(of number: String, account: Int64, key: [UInt8]) -> [UInt8] {
        Array("\(account)/\(number)".utf8)
    }

    func newToken() -> String { "token-of-the-simulator-\(world.next(.common))" }
}
