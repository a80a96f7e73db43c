import Domain
import Interchange

/// `/customers` (spec 1.1).
enum CustomerEndpoint {
    static let routes = [
        Route(
            [.put], "/customers", "create", consumes: Descriptions.customer.facts,
            returns: .one(Descriptions.customer.facts), failures: [.tokensOnly, .inactive],
            meaning:
                "Creates a customer, with the payment options and subscriptions nested in it: all or nothing.",
            run: create),
        Route(
            [.get], "/customers", "find", parameters: filters, returns: .many(Descriptions.customer.facts),
            meaning: "Finds customers, by id ascending.", run: find),
        Route(
            [.get], "/customers/{customer-id}", "load", returns: .one(Descriptions.customer.facts),
            meaning: "Loads a customer.", run: load),
        Route(
            [.post], "/customers/{customer-id}", "modify", consumes: Descriptions.customer.facts,
            returns: .one(Descriptions.customer.facts),
            meaning: "Changes the writable fields that are sent; the others stay.", run: modify),
    ]

    static let filters = ParameterList.find([
        ParameterDescription("accountId", .integer(1...2_147_483_647), "Merchant account."),
        ParameterDescription(
            "firstName", .text(maxLength: 125, form: nil), "First name, from its beginning."),
        ParameterDescription("lastName", .text(maxLength: 125, form: nil), "Last name, from its beginning."),
        ParameterDescription(
            "organizationName", .text(maxLength: 255, form: nil), "Organization, from its beginning."),
        ParameterDescription("email", .text(maxLength: 100, form: nil), "Email address."),
        ParameterDescription("phone", .text(maxLength: 15, form: nil), "Phone number, by its digits."),
        ParameterDescription(
            "street", .text(maxLength: 128, form: nil), "Street address, from its beginning."),
        ParameterDescription("city", .text(maxLength: 50, form: nil), "City, from its beginning."),
        ParameterDescription("state", .text(maxLength: 3, form: nil), "State."),
        ParameterDescription("zipCode", .text(maxLength: 10, form: nil), "ZIP or postal code."),
        ParameterDescription("countryCode", .text(maxLength: 2, form: nil), "Country."),
        ParameterDescription(
            "code", .text(maxLength: 60, form: .code), mark: .extended, "Your own identifier."),
        ParameterDescription(
            "status", .enumeration(Enumerations.customerStatus), mark: .extended,
            "Where the customer stands."),
        ParameterDescription("createDateFrom", .dateTime, mark: .extended, "Created then or later."),
        ParameterDescription("createDateTo", .dateTime, mark: .extended, "Created then or earlier."),
        ParameterDescription(
            "balanceFrom", .integer(FieldType.anyInteger), mark: .extended,
            "Cents, at least; 1 finds who owes."),
        ParameterDescription(
            "balanceTo", .integer(FieldType.anyInteger), mark: .extended,
            "Cents, at most; -1 finds who has credit."),
    ])

    static func create(_ call: Call) throws -> Answer {
        var form = CustomerForm()
        try Descriptions.customer.decode(try call.body(), into: &form, purpose: .create)
        return try call.writing { store in
            let customer = try CreateCustomer(form).execute(
                in: store, reaching: call.accounts, vault: call.services.vault, by: call.actor)
            return Answer(
                Descriptions.customer, customer, status: 201, location: "/api/v01/customers/\(customer.id)")
        }
    }

    static func find(_ call: Call) throws -> Answer {
        let parameters = try call.parameters()
        var filter = CustomerFilter()
        filter.accountID = parameters.integer("accountId")
        filter.firstName = parameters.text("firstName")
        filter.lastName = parameters.text("lastName")
        filter.organizationName = parameters.text("organizationName")
        filter.email = parameters.text("email")
        filter.phone = parameters.text("phone")
        filter.street = parameters.text("street")
        filter.city = parameters.text("city")
        filter.state = parameters.text("state")
        filter.zipCode = parameters.text("zipCode")
        filter.countryCode = parameters.text("countryCode")
        filter.code = parameters.text("code")
        filter.status = parameters.text("status").flatMap { Customer.Status(rawValue: $0) }
        filter.createDateFrom = parameters.dateTime("createDateFrom")
        filter.createDateBefore = parameters.dateTime("createDateTo").map(Parameters.end(of:))
        filter.balanceFrom = parameters.integer("balanceFrom").map { Money($0) }
        filter.balanceTo = parameters.integer("balanceTo").map { Money($0) }
        let found = try call.reading { try $0.customers(filter, parameters.page) }
        return Answer(Descriptions.customer, found, of: call, parameters) { $0.id.rawValue }
    }

    static func load(_ call: Call) throws -> Answer {
        let reference = try call.reference()
        guard let customer = try call.reading({ try $0.customer(reference, complete: true) }) else {
            throw call.missing("customer", reference)
        }
        return Answer(Descriptions.customer, customer)
    }

    static func modify(_ call: Call) throws -> Answer {
        let reference = try call.reference()
        let body = try call.body()
        return try call.writing { store in
            let state = try locked(reference, call, in: store)
            guard let stored = try store.customer(.id(state.customer.id.rawValue), complete: true) else {
                throw call.missing("customer", reference)
            }
            try call.checkPrecondition(Answer(Descriptions.customer, stored))
            var form = CustomerForm(stored)
            try Descriptions.customer.decode(body, into: &form, purpose: .modify)
            let customer = try ModifyCustomer(form).execute(state, in: store, by: call.actor)
            return Answer(Descriptions.customer, customer)
        }
    }

    /// The customer that the path addresses, locked; V24 when it is not within reach.
    static func locked(_ reference: Reference, _ call: Call, in store: any Store) throws -> CustomerState {
        guard let state = try store.lockedCustomer(reference) else {
            throw call.missing("customer", reference)
        }
        return state
    }

    /// The customer that the path addresses; V24 when it is not within reach.
    static func customer(_ call: Call, in store: any Store) throws -> Customer {
        let reference = try call.reference()
        guard let customer = try store.customer(reference, complete: false) else {
            throw call.missing("customer", reference)
        }
        return customer
    }
}
