import Domain
import Interchange

/// `/accounts/{account-id}` (spec 1.6).
enum AccountEndpoint {
    static let routes = [
        Route(
            [.get], "/accounts", "find", mark: .extended, parameters: .paging,
            returns: .many(Descriptions.merchantAccount.facts),
            meaning: "Finds the merchant accounts within reach, by id ascending.", run: find),
        Route(
            [.get], "/accounts/{account-id}", "load", mark: .extended,
            returns: .one(Descriptions.merchantAccount.facts),
            meaning: "Loads a merchant account with its billing policy.", run: load),
        Route(
            [.post], "/accounts/{account-id}", "modify", mark: .extended,
            consumes: Descriptions.merchantAccount.facts,
            returns: .one(Descriptions.merchantAccount.facts),
            meaning:
                "Changes the billing policy: the writable fields that are sent; the others stay. What was billed stays as it is.",
            run: modify),
    ]

    static func find(_ call: Call) throws -> Answer {
        let parameters = try call.parameters()
        let found = try call.reading { try $0.merchantAccounts(parameters.page) }
        return Answer(Descriptions.merchantAccount, found, of: call, parameters) { $0.id }
    }

    static func modify(_ call: Call) throws -> Answer {
        let reference = try call.reference()
        let body = try call.body()
        return try call.writing { store in
            guard case .id(let id) = reference, let stored = try store.lockedAccount(id)?.account else {
                throw call.missing("merchant account", reference)
            }
            try call.checkPrecondition(Answer(Descriptions.merchantAccount, stored))
            var form = stored
            try Descriptions.merchantAccount.decode(body, into: &form, purpose: .modify)
            let account = try ModifyMerchantAccount(stored, form).execute(
                in: store, processors: Services.processorNames, nearest: { NearMiss.of($0, among: $1) },
                by: call.actor)
            return Answer(Descriptions.merchantAccount, account)
        }
    }

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
