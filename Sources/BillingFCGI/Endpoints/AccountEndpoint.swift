import Domain
import Interchange

/// `/accounts/{account-id}` (spec 1.6).
enum AccountEndpoint {
    static let routes = [
        Route(
            [.get], "/accounts/{account-id}", "load", mark: .extended,
            returns: .one(Descriptions.merchantAccount.facts),
            meaning: "Loads a merchant account with its billing policy.", run: load)
    ]

    static func load(_ call: Call) throws -> Answer {
        Answer(Descriptions.merchantAccount, try addressed(call).account)
    }

    /// The account that the path addresses, with its clock; V24 when it is not within reach. Accounts have no codes.
    static func addressed(_ call: Call) throws -> AccountState {
        let reference = try call.reference()
        guard case .id(let account) = reference, call.accounts.contains(account),
            let state = try call.reading({ try $0.account(account) })
        else { throw call.missing("merchant account", reference) }
        return state
    }
}
