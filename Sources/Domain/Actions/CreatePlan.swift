/// Creates a plan (spec 1.3 ~create).
public struct CreatePlan {
    let form: PlanForm

    /// Creates the plan of this form.
    public init(_ form: PlanForm) {
        self.form = form
    }

    /// - Throws: `Refusal`: V01, V24 account; V29 code in use.
    public func execute(in store: any Store, reaching accounts: [Int64], by actor: Actor) throws -> Plan {
        let state = try AccountChoice.state(of: form.accountID, among: accounts, in: store)
        let id = try store.insertPlan(
            account: state.account.id, code: form.code, form.particulars, at: state.moment)
        try store.note("create", on: "plan", id.rawValue, of: state.account.id, by: actor)
        guard let plan = try store.plan(.id(id.rawValue)) else {
            preconditionFailure("a plan just stored is there")
        }
        return plan
    }
}

/// Changes a plan; subscriptions that were made from it keep what they copied (spec 1.3 ~modify).
public struct ModifyPlan {
    let plan: Plan
    let form: PlanForm

    /// Writes this form over the plan.
    public init(_ plan: Plan, _ form: PlanForm) {
        self.plan = plan
        self.form = form
    }

    /// - Returns: the plan as changed.
    public func execute(in store: any Store, by actor: Actor) throws -> Plan {
        try store.updatePlan(plan, form.particulars)
        try store.note("modify", on: "plan", plan.id.rawValue, of: plan.accountID, by: actor)
        guard let changed = try store.plan(.id(plan.id.rawValue)) else {
            preconditionFailure("a stored plan is there")
        }
        return changed
    }
}
