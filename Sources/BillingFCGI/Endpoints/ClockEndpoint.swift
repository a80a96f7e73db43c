import Domain
import Interchange

/// `/accounts/{account-id}/clock` (spec 1.6, 6.5).
enum ClockEndpoint {
    static let routes = [
        Route(
            [.get], "/accounts/{account-id}/clock", "load", mark: .extended,
            returns: .one(Descriptions.clock.facts),
            meaning: "Reads the account's clock.", run: load),
        Route(
            [.post], "/accounts/{account-id}/clock", "advance", explicit: true, long: true, mark: .extended,
            parameters: target, returns: .one(Descriptions.clock.facts), failures: [.stateForbids],
            meaning: "Moves a sandbox account's clock forward and runs every billing day in between.",
            run: advance),
    ]

    static let target = ParameterList([
        ParameterDescription(
            "to", .dateTime, required: true, mark: .extended,
            "Where to move the clock, in the account's time zone; a day means its midnight.")
    ])

    static func load(_ call: Call) throws -> Answer {
        let state = try AccountEndpoint.addressed(call)
        return Answer(
            Descriptions.clock,
            AccountClock(
                accountID: state.account.id, moment: state.moment, timeZone: state.account.timeZone,
                isFrozen: state.isFrozen))
    }

    static func advance(_ call: Call) throws -> Answer {
        guard let target = try call.parameters().dateTime("to") else {
            throw Refusal(.requiredFieldMissing, "to is required", field: "to")
        }
        let account = try AccountEndpoint.addressed(call).account
        return try call.repeating {
            call.place.allowLong()
            let clock = try AdvanceClock(account: account.id, to: target).execute(
                call.services.books, reaching: call.accounts, by: call.actor,
                runDay: {
                    _ = try call.services.pass(
                        over: account.id, processor: account.processor, isOneOfMany: true)
                },
                askForOutcomes: {
                    let run = try call.services.run(over: account.id, processor: account.processor)
                    return try run.recoverEarly().outcomesRecovered > 0
                })
            return Answer(Descriptions.clock, clock)
        }
    }
}
