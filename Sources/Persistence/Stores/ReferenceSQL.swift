internal import Domain
internal import Postgres

/// How the SQL finds what a caller's reference names.
///
/// `*17` means the object with the code 17, else the one with the number 17 if it has no code: its number then serves
/// as code (spec 2).
enum ReferenceForm: String, CaseIterable {
    case id, code, number

    /// The condition on a table under this alias; what the reference binds begins with this parameter.
    func condition(_ alias: String, id: String, from parameter: Int) -> String {
        switch self {
        case .id: "\(alias).\(id) = $\(parameter)"
        case .code: "\(alias).code = $\(parameter)"
        case .number:
            "(\(alias).code = $\(parameter) or \(alias).code is null and \(alias).\(id) = $\(parameter + 1))"
        }
    }

    /// The rows of a table that belong to the customer whom the reference names, as `x`, with their account as `a`, and the condition
    /// on them. In no order: the server would set up sorting for what is one row or none. By id they are found without the customer.
    func rows(of table: String, where condition: String? = nil) -> String {
        let condition = condition.map { " and \($0)" } ?? ""
        guard self != .id else {
            return """
                \(table) x
                  join merchant_accounts a on a.account_id = x.account_id
                 where x.account_id = any ($1) and x.customer_id = $2\(condition)
                """
        }
        return """
            (select k.account_id, k.customer_id
                      from customers k
                     where k.account_id = any ($1) and \(self.condition("k", id: "customer_id", from: 2))\(order("k", limit: 1))) k
             cross join lateral (
                   select * from \(table) x
                    where x.account_id = k.account_id and x.customer_id = k.customer_id\(condition) offset 0) x
              join merchant_accounts a on a.account_id = x.account_id
            """
    }

    /// The order in which what is found counts, by code first, and how much of it.
    func order(_ alias: String, limit: Int) -> String {
        switch self {
        case .id: ""
        case .code: "\n limit \(limit)"
        case .number: "\n order by \(alias).code is null\n limit \(limit)"
        }
    }
}

extension Reference {
    /// Which SQL finds it.
    var form: ReferenceForm {
        switch self {
        case .id: .id
        case .code(let code): Reference.number(code) == nil ? .code : .number
        }
    }

    /// What that SQL binds.
    var parameters: [Parameter] {
        switch self {
        case .id(let number): [.int(number)]
        case .code(let code):
            if let number = Reference.number(code) { [.text(code), .int(number)] } else { [.text(code)] }
        }
    }

    /// The number that a code could be taken for: its decimal digits without leading zeros.
    static func number(_ code: String) -> Int64? {
        guard let number = Int64(code), String(number) == code, number > 0 else { return nil }
        return number
    }
}

/// One statement for each form of a reference.
struct ByReference {
    private let statements: [ReferenceForm: Statement]

    /// Builds the statements: the name of each ends with its form.
    init(_ name: String, _ sql: (ReferenceForm) -> String) {
        var statements: [ReferenceForm: Statement] = [:]
        for form in ReferenceForm.allCases {
            statements[form] = Statement("\(name).\(form.rawValue)", sql(form))
        }
        self.statements = statements
    }

    /// The statement for this reference.
    subscript(reference: Reference) -> Statement {
        guard let statement = statements[reference.form] else {
            preconditionFailure("a form has no statement")
        }
        return statement
    }
}

extension Rows {
    /// The row that a reference means, of at most two found, those with the code first.
    ///
    /// Two with one code are in two merchant accounts within reach: refused, for money must not go to a guess.
    func named(by reference: Reference, _ object: String, code column: Int) throws(Refusal) -> Row? {
        guard count > 1, case .code(let code) = reference, !self[1].isNull(column) else { return first }
        throw Refusal(
            .valueNotAllowed,
            "more than one \(object) within reach has the code '\(code)': name it by its id")
    }
}

/// Refusals for codes that are taken.
enum Duplicate {
    /// V29 with the object that has the code.
    static func refusal(_ code: String, _ object: String, _ id: Int64) -> Refusal {
        Refusal(.duplicate, "code '\(code)' belongs to \(object) \(id) already", field: "code")
    }
}
