import Domain
import Interchange

/// `/plans` (spec 1.3).
enum PlanEndpoint {
    static let routes = [
        Route(
            [.put], "/plans", "create", consumes: Descriptions.plan.facts,
            returns: .one(Descriptions.plan.facts),
            meaning: "Creates a plan.", run: create),
        Route(
            [.get], "/plans", "find", parameters: filters, returns: .many(Descriptions.plan.facts),
            meaning: "Finds plans, by id ascending.", run: find),
        Route(
            [.get], "/plans/{plan-id}", "load", returns: .one(Descriptions.plan.facts),
            meaning: "Loads a plan.", run: load),
        Route(
            [.post], "/plans/{plan-id}", "modify", consumes: Descriptions.plan.facts,
            returns: .one(Descriptions.plan.facts),
            meaning: "Changes the writable fields that are sent; the others stay.", run: modify),
    ]

    static let filters = ParameterList.find([
        ParameterDescription("accountId", .integer(1...2_147_483_647), "Merchant account."),
        ParameterDescription("name", .text(maxLength: 255, form: nil), "Name, from its beginning."),
        ParameterDescription(
            "billingCycleType", .enumeration(Enumerations.billingCycleType), "Unit of the billing cycle."),
        ParameterDescription("createDate", .dateTime, "Created on this day, or in this second."),
        ParameterDescription("createDateFrom", .dateTime, "Created then or later."),
        ParameterDescription("createDateTo", .dateTime, "Created then or earlier."),
        ParameterDescription("amount", .integer(0...99_999_999_999), "Cents."),
        ParameterDescription("amountFrom", .integer(0...99_999_999_999), "Cents, at least."),
        ParameterDescription("amountTo", .integer(0...99_999_999_999), "Cents, at most."),
        ParameterDescription("isActive", .boolean, mark: .extended, "Active ones, or inactive ones."),
        ParameterDescription(
            "code", .text(maxLength: 60, form: .code), mark: .extended, "Your own identifier."),
    ])

    static func create(_ call: Call) throws -> Answer {
        var form = PlanForm()
        try Descriptions.plan.decode(try call.body(), into: &form, purpose: .create)
        return try call.writing { store in
            let plan = try CreatePlan(form).execute(in: store, reaching: call.accounts, by: call.actor)
            return Answer(Descriptions.plan, plan, status: 201, location: "/api/v01/plans/\(plan.id)")
        }
    }

    static func find(_ call: Call) throws -> Answer {
        let parameters = try call.parameters()
        var filter = PlanFilter()
        filter.accountID = parameters.integer("accountId")
        filter.name = parameters.text("name")
        filter.cycleUnit = parameters.text("billingCycleType").flatMap { CycleUnit(rawValue: $0) }
        (filter.createDateFrom, filter.createDateBefore) = parameters.createDates
        let exactly = parameters.integer("amount")
        filter.amountFrom = (exactly ?? parameters.integer("amountFrom")).map { Money($0) }
        filter.amountTo = (exactly ?? parameters.integer("amountTo")).map { Money($0) }
        filter.isActive = parameters.boolean("isActive")
        filter.code = parameters.text("code")
        let found = try call.reading { try $0.plans(filter, parameters.page) }
        return Answer(Descriptions.plan, found, of: call, parameters) { $0.id.rawValue }
    }

    static func load(_ call: Call) throws -> Answer {
        let reference = try call.reference()
        guard let plan = try call.reading({ try $0.plan(reference) }) else {
            throw call.missing("plan", reference)
        }
        return Answer(Descriptions.plan, plan)
    }

    static func modify(_ call: Call) throws -> Answer {
        let reference = try call.reference()
        let body = try call.body()
        return try call.writing { store in
            guard let stored = try store.lockedPlan(reference) else { throw call.missing("plan", reference) }
            try call.checkPrecondition(Answer(Descriptions.plan, stored))
            var form = PlanForm(stored)
            try Descriptions.plan.decode(body, into: &form, purpose: .modify)
            let plan = try ModifyPlan(stored, form).execute(in: store, by: call.actor)
            return Answer(Descriptions.plan, plan)
        }
    }
}

extension Parameters {
    /// From `createDate`, `createDateFrom` and `createDateTo` (each inclusive): the first instant wanted, and the first that is too
    /// late. A day without a time means all of it.
    var createDates: (from: LocalDateTime?, before: LocalDateTime?) {
        let exactly = dateTime("createDate")
        return (
            exactly ?? dateTime("createDateFrom"),
            (exactly ?? dateTime("createDateTo")).map(Parameters.end(of:))
        )
    }

    /// The first instant after a moment that was meant as the last one: the next day's midnight after a day, else the next second.
    static func end(of moment: LocalDateTime) -> LocalDateTime {
        if moment.secondOfDay == 0 || moment.secondOfDay == 86_399 {
            return LocalDateTime(date: moment.date.adding(days: 1))
        }
        return LocalDateTime(date: moment.date, secondOfDay: moment.secondOfDay + 1)
    }
}
