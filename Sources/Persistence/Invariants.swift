/// What must hold of the whole database at any moment (spec 5.3 a–h): the file `Invariants/invariants.sql`.
///
/// Each row that comes back is a violation: the invariant's name, the account, a sentence with numbers only. No row:
/// all is well. Reads everything: for tests and for `billing status --check`, as a role that sees all accounts
/// (`billing_jobs`). The same file is for psql.
public enum Invariants {
    /// The books by themselves.
    public static let books = statements[0]

    /// The sandbox processor's own book against ours, both ways. As a role that sees both schemas.
    ///
    /// `charge_not_settled_yet` is normal while attempts are under way: after recovery there is none.
    public static let sandbox = statements[1]

    /// The same over a copy of that book in temporary tables of the session, for a sandbox in another database.
    static let sandboxCopy = sandbox.replacing("sandbox.movement", with: "pg_temp.movement")
        .replacing("sandbox.notice", with: "pg_temp.notice")

    /// The statements of the file: a semicolon ends a line there only where it ends a statement.
    private static let statements: [String] = {
        let lines = PackageResources.invariants_sql.split(
            separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        var statements = [""]
        for line in lines {
            let isLast = line.last == UInt8(ascii: ";")
            statements[statements.count - 1] += String(
                decoding: isLast ? line.dropLast() : line, as: UTF8.self)
            if isLast { statements.append("") } else { statements[statements.count - 1] += "\n" }
        }
        precondition(statements.count == 3, "invariants.sql has two statements")
        return statements
    }()
}
