import Domain
import Interchange

/// `/accounts/{account-id}/clock` (spec 1.6, 6.5).
enum ClockEndpoint {
    static let target = ParameterList([
        ParameterDescription(
            "to", .dateTime, required: true, mark: .extended,
            "Where to move the clock, in the account's time zone; a day means its midnight.")
    ])

    static func load(_ call: Call) throws -> Answer {
        let account = try account(call)
        guard let state = try call.reading({ try $0.account(account) }) else {
            throw call.missing("merchant account", .id(account))
        }
        return Answer(
            Descriptions.clock,
            AccountClock(
                accountID: account, moment: state.moment, timeZone: state.account.timeZone,
                isFrozen: state.isFrozen))
    }

    static func advance(_ call: Call) throws -> Answer {
        let account = try account(call)
        guard let target = try call.parameters().dateTime("to") else {
            throw Refusal(.requiredFieldMissing, "to is required", field: "to")
        }
        call.allowLong()
        let books = call.services.books
        guard let state = try call.reading({ try $0.account(account) }) else {
            throw call.missing("merchant account", .id(account))
        }
        let clock = try AdvanceClock(account: account, to: target).execute(
            books, reaching: call.accounts, by: call.actor
        ) {
            _ = try call.services.pass(over: account, processor: state.account.processor)
        }
        return Answer(Descriptions.clock, clock)
    }

    /// The account that the path addresses; V24 when it is not within reach. Accounts have no codes.
    private static func account(_ call: Call) throws -> Int64 {
        let reference = try call.reference()
        guard case .id(let account) = reference, call.accounts.contains(account) else {
            throw call.missing("merchant account", reference)
        }
        return account
    }
}
