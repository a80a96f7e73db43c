internal import Domain
internal import Postgres

/// A ~find under construction: conditions from a fixed list of fragments, values always bound.
///
/// Each condition adds a mark to the statement's name, so that each combination of filters is prepared once. Under
/// row-level security only leakproof conditions can use an index: comparisons of plain columns are, `like` is not.
/// So a prefix is a range. A star inside the value needs `like`: customers are then found by the function `find_customers` of
/// the database's owner (migration 0005), which uses their trigrams; elsewhere `like` filters what the rest has found.
struct Search {
    private let name: String
    private let table: String
    private let id: String
    private let accounts: [Int64]
    private let page: Page
    private var marks = ""
    /// Whether a condition of this search can be looked up in an index, or leaves few rows.
    private var isSelective = false
    private var conditions: [String] = []
    private var parameters: [Parameter]
    /// The same conditions for `find_customers`: column, operator, and the value as SQL.
    private var terms: [(column: String, operation: String, value: String)] = []
    /// Conditions that follow from the others: `find_customers` does without them.
    private var hints = 0
    /// Whether a star stands inside a value.
    private var hasPattern = false

    /// Plans a find with the values it has: which index is best depends on them. Where no index fits, what is found is
    /// not sorted but met in the order of the ids, so that the reading ends as soon as the page is full.
    private static let planByValues = Statement(
        "session.plan_by_values",
        "select set_config('plan_cache_mode', 'force_custom_plan', true), set_config('enable_sort', $1, true)"
    )
    /// Inside a transaction the rest of it is planned as usual again.
    private static let planAsUsual = [
        Statement("session.plan_as_usual", "reset plan_cache_mode"),
        Statement("session.sort_as_usual", "reset enable_sort"),
    ]

    /// A search in a table under the alias `x`, by id, in accounts of which there is at least one.
    init(_ name: String, _ table: String, id: String, in accounts: [Int64], _ page: Page) {
        self.name = name
        self.table = table
        self.id = id
        self.accounts = accounts
        self.page = page
        let reach: Parameter = accounts.count == 1 ? .int(accounts[0]) : .ints(accounts)
        parameters = [
            reach, .int(page.after ?? 0), .int(Int64(page.limit) + 1), .int(Int64(page.offset)),
        ]
    }

    /// Adds a condition; each `?` stands for one bound value, `{account}` for the merchant account being searched.
    mutating func require(_ mark: String, _ condition: String, _ values: Parameter...) {
        var rest = values[...]
        var bound = ""
        for character in condition {
            if character == "?", let value = rest.popFirst() {
                parameters.append(value)
                bound += "$\(parameters.count)"
            } else {
                bound.append(character)
            }
        }
        precondition(rest.isEmpty, "a condition binds as many values as it has question marks")
        marks += mark
        conditions.append(bound)
        if !mark.hasSuffix("*") { isSelective = true }
    }

    /// Adds a condition that follows from the others and names rows that can be looked up.
    mutating func hint(_ mark: String, _ condition: String) {
        require(mark, condition)
        hints += 1
    }

    /// Adds a comparison of a column that `find_customers` knows.
    ///
    /// - Parameters:
    ///   - comparison: `=`, `>=` or `<`.
    ///   - value: SQL with one `?` for what is bound; `{account}` as in ``require(_:_:_:)``.
    mutating func compare(
        _ mark: String, _ column: String, _ comparison: String, _ value: String, _ bound: Parameter
    ) {
        require(mark, "x.\(column) \(comparison) \(value)", bound)
        addTerm(column, comparison, value)
    }

    /// Notes the condition added last for `find_customers`.
    private mutating func addTerm(_ column: String, _ operation: String, _ value: String) {
        let bound = value.split(separator: "?", omittingEmptySubsequences: false)
            .joined(separator: "$\(parameters.count)")
        terms.append((column, operation, "(\(bound))::text"))
    }

    /// Adds a condition on a text (spec 1.1): nothing for nil and empty; `*` stands for any text; else the whole
    /// value or, where `whole` is false, its beginning.
    ///
    /// - Parameters:
    ///   - mark: one letter.
    ///   - column: holds the text folded by `fold`, and has an index by `text_pattern_ops`.
    ///   - fold: the SQL function that folds the case; nil where the value is to be taken as it is.
    mutating func match(
        _ mark: String, _ column: String, _ value: String?, whole: Bool, fold: String? = "lower"
    ) {
        guard let value, !value.isEmpty else { return }
        let folded = fold.map { "\($0)(?)" } ?? "?"
        guard let star = value.firstIndex(of: "*") else {
            if whole {
                compare("\(mark)=", column, "=", folded, .text(value))
            } else {
                requirePrefix(mark, column, value, folded)
            }
            return
        }
        let prefix = String(value[..<star])
        if !prefix.isEmpty { requirePrefix(mark, column, prefix, folded) }
        if value[star...].contains(where: { $0 != "*" }) || prefix.isEmpty {
            require("\(mark)*", "x.\(column) like \(folded)", .text(Search.pattern(value)))
            addTerm(column, "~", folded)
            hasPattern = true
        }
    }

    /// From the prefix up to the last text that begins with it: U+10FFFF is no character of any text.
    private mutating func requirePrefix(
        _ mark: String, _ column: String, _ prefix: String, _ folded: String
    ) {
        require(
            "\(mark)-", "x.\(column) ~>=~ \(folded) and x.\(column) ~<~ (\(folded) || E'\\U0010FFFF')",
            .text(prefix), .text(prefix))
        addTerm(column, "^", folded)
    }

    /// The pattern for `like`: `*` becomes `%`, what `like` would take for its own is escaped.
    static func pattern(_ value: String) -> String {
        var pattern = String.UnicodeScalarView()
        for scalar in value.unicodeScalars {
            switch scalar {
            case "*": pattern.append("%")
            case "%", "_", "\\":
                pattern.append("\\")
                pattern.append(scalar)
            default: pattern.append(scalar)
            }
        }
        return String(pattern)
    }

    /// Runs the search: the page's rows and one more where there is one, by id.
    ///
    /// - Parameter columns: of the table under the alias `x`, and of its merchant account under `a`.
    func rows(_ columns: String, on connection: Connection) throws(DatabaseFailure) -> Rows {
        connection.enqueue(Self.planByValues, [.text(isSelective || findsByText ? "on" : "off")])
        let rows = try connection.rows(statement(columns), parameters)
        if connection.inTransaction {
            for statement in Self.planAsUsual { connection.enqueue(statement, []) }
        }
        return rows
    }

    /// Whether `find_customers` finds what is searched: a text with a star inside, and nothing that it does not know.
    private var findsByText: Bool {
        hasPattern && table == "customers" && terms.count + hints == conditions.count
    }

    /// One account is read in the order of its ids until the page is full. Of several, each gives what the page could
    /// need of it, in that same way, and the page is made of these.
    private func statement(_ columns: String) -> Statement {
        if findsByText { return statementByText(columns) }
        let account = accounts.count == 1 ? "$1" : "reach.account_id"
        let conditions = (["x.\(id) > $2"] + self.conditions.map { $0.inAccount(account) })
            .map { "\n   and \($0)" }.joined()
        if accounts.count == 1 {
            return Statement(
                "\(name).\(marks.isEmpty ? "all" : marks)",
                """
                select \(columns)
                  from \(table) x
                  join merchant_accounts a on a.account_id = x.account_id
                 where x.account_id = $1\(conditions)
                 order by x.\(id)
                 limit $3 offset $4
                """)
        }
        return Statement(
            "\(name).several.\(marks)",
            """
            select \(columns)
              from (select k.account_id, k.\(id)
                      from unnest($1) as reach (account_id)
                     cross join lateral (
                           select x.account_id, x.\(id)
                             from \(table) x
                            where x.account_id = reach.account_id\(conditions)
                            order by x.\(id)
                            limit $3 + $4) k
                     order by k.\(id)
                     limit $3 offset $4) k
              join \(table) x on x.account_id = k.account_id and x.\(id) = k.\(id)
              join merchant_accounts a on a.account_id = x.account_id
             order by x.\(id)
            """)
    }

    /// Customers by `find_customers`: each account gives what the page could need of it.
    private func statementByText(_ columns: String) -> Statement {
        let names = terms.map { "'\($0.column)'" }.joined(separator: ", ")
        let operations = terms.map { "'\($0.operation)'" }.joined(separator: ", ")
        let values = terms.map { $0.value.inAccount("r.account_id") }.joined(separator: ", ")
        let reach = accounts.count == 1 ? "array[$1]" : "$1"
        return Statement(
            "\(name).\(accounts.count == 1 ? "" : "several.")text.\(marks)",
            """
            select \(columns)
              from (select r.account_id, f.customer_id
                      from unnest(\(reach)::bigint[]) as r (account_id)
                     cross join lateral find_customers(r.account_id, $2, $3 + $4, array[\(names)], array[\(operations)],
                           array[\(values)]) as f (customer_id)
                     order by f.customer_id
                     limit $3 offset $4) k
              join customers x on x.account_id = k.account_id and x.customer_id = k.customer_id
              join merchant_accounts a on a.account_id = x.account_id
             order by x.customer_id
            """)
    }
}

extension String {
    /// A condition with the SQL that stands for its account put in.
    fileprivate func inAccount(_ account: String) -> String {
        var parts = split(separator: "{account}", omittingEmptySubsequences: false)[...]
        guard let first = parts.popFirst() else { return self }
        return parts.reduce(into: String(first)) { $0 += account + $1 }
    }
}
