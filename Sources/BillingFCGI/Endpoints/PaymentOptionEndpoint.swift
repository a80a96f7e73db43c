import Domain
import Interchange

/// `/customers/{customer-id}/payment-options` (spec 1.2).
enum PaymentOptionEndpoint {
    static let routes = [
        Route(
            [.put], collection, "create", consumes: Descriptions.paymentOption.facts,
            returns: .one(Descriptions.paymentOption.facts), failures: [.tokensOnly],
            meaning: "Creates a payment option.", run: create),
        Route(
            [.get], collection, "find", parameters: filters, returns: .many(Descriptions.paymentOption.facts),
            meaning: "Finds the customer's payment options, by id ascending.", run: find),
        Route(
            [.get], collection + "/{payment-option-id}", "load",
            returns: .one(Descriptions.paymentOption.facts), meaning: "Loads a payment option.", run: load),
        Route(
            [.post], collection + "/{payment-option-id}", "modify",
            consumes: Descriptions.paymentOption.facts, returns: .one(Descriptions.paymentOption.facts),
            meaning: "Changes the writable fields that are sent; the others stay.", run: modify),
        Route(
            [.delete], collection + "/{payment-option-id}", "delete", mark: .extended,
            returns: .one(Descriptions.serviceResponse.facts), failures: [.stateForbids],
            meaning: """
                Erases the account number for good. The option is gone from find and load, and can never be charged \
                again, nor its token; what was paid with it stays. Refused while a subscription that has not ended, or \
                an attempt without outcome, uses it.
                """,
            run: delete),
    ]

    private static let collection = "/customers/{customer-id}/payment-options"

    static let filters = ParameterList.find([
        ParameterDescription("isActive", .boolean, mark: .extended, "Active ones, or inactive ones."),
        ParameterDescription(
            "type", .enumeration(Enumerations.paymentOptionType), mark: .extended, "Their kind."),
    ])

    static func create(_ call: Call) throws -> Answer {
        var form = PaymentOptionForm()
        try Descriptions.paymentOption.decode(try call.body(), into: &form, purpose: .create)
        return try call.writing { store in
            let state = try CustomerEndpoint.locked(try call.reference(), call, in: store)
            let option = try CreatePaymentOption(form).execute(
                state, in: store, vault: call.services.vault, by: call.actor)
            return Answer(
                Descriptions.paymentOption, option, status: 201,
                location: "/api/v01/customers/\(option.customerID)/payment-options/\(option.id)")
        }
    }

    static func find(_ call: Call) throws -> Answer {
        let parameters = try call.parameters()
        var filter = PaymentOptionFilter()
        filter.isActive = parameters.boolean("isActive")
        filter.type = parameters.text("type").flatMap { AccountType(rawValue: $0) }
        let found = try call.reading { store in
            let customer = try CustomerEndpoint.customer(call, in: store)
            return try store.paymentOptions(
                of: customer.id, account: customer.accountID, filter, parameters.page)
        }
        return Answer(Descriptions.paymentOption, found, of: call, parameters) { $0.id.rawValue }
    }

    static func load(_ call: Call) throws -> Answer {
        let option = try call.reading { store in
            let customer = try CustomerEndpoint.customer(call, in: store)
            return try addressed(call, of: customer, in: store)
        }
        return Answer(Descriptions.paymentOption, option)
    }

    static func modify(_ call: Call) throws -> Answer {
        let body = try call.body()
        return try call.writing { store in
            let state = try CustomerEndpoint.locked(try call.reference(), call, in: store)
            let option = try addressed(call, of: state.customer, in: store)
            try call.checkPrecondition(Answer(Descriptions.paymentOption, option))
            var form = PaymentOptionForm(option)
            try Descriptions.paymentOption.decode(body, into: &form, purpose: .modify)
            let changed = try ModifyPaymentOption(option, form).execute(
                state, in: store, vault: call.services.vault, by: call.actor)
            return Answer(Descriptions.paymentOption, changed)
        }
    }

    static func delete(_ call: Call) throws -> Answer {
        try call.refuseBody()
        return try call.writing { store in
            let state = try CustomerEndpoint.locked(try call.reference(), call, in: store)
            let option = try addressed(call, of: state.customer, in: store)
            try call.checkPrecondition(Answer(Descriptions.paymentOption, option))
            try ErasePaymentOption(option).execute(state, in: store, by: call.actor)
            return Answer(
                Descriptions.serviceResponse,
                ServiceResponse(
                    message: "payment option \(option.id) and its account number are erased",
                    requestID: call.requestID))
        }
    }

    private static func addressed(_ call: Call, of customer: Customer, in store: any Store) throws
        -> PaymentOption
    {
        let reference = try call.reference(1)
        guard
            let option = try store.paymentOption(of: customer.id, account: customer.accountID, reference)
        else { throw call.missing("payment option", reference) }
        return option
    }
}
