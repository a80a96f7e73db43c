/// One SQL statement with the name under which it is prepared.
///
/// A store keeps its statements as `static let`, next to the mapping of their rows. The name shows up in the
/// server's logs and in failures (`customer.load`); two statements of one program never share a name.
///
/// Parameters are `$1`, `$2` …; their types are those of ``Parameter``. Where the column has another type, the
/// SQL casts (`$1::smallint`, `$2::jsonb`, `$3::char(3)`): an integer goes out as `bigint`, a text as `text`.
/// Columns are read in binary, so the SQL casts what ``Row`` cannot read, above all `sum(amount)::bigint`.
public struct Statement: Sendable, Equatable {
    /// The name, at most 55 bytes: PostgreSQL cuts names at 63, and a second form of a statement gets a suffix.
    public let name: String

    /// The SQL text.
    public let sql: String

    /// Whether the text begins with `select` or `show`: lost on the way, such a statement has changed nothing.
    ///
    /// A `select` that calls a function which writes belongs between `begin` and `commit`.
    let isRead: Bool

    /// Names a statement.
    public init(_ name: String, _ sql: String) {
        precondition(!name.isEmpty && name.utf8.count <= 55, "the name of a statement has 1 to 55 bytes")
        self.name = name
        self.sql = sql
        let start = sql.utf8.drop { $0 == 0x20 || $0 == 0x0A || $0 == 0x0D || $0 == 0x09 }
        let word = start.prefix { ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A }.map { $0 | 0x20 }
        isRead = word.elementsEqual("select".utf8) || word.elementsEqual("show".utf8)
    }

    static let begin = Statement("begin", "begin")
    static let commit = Statement("commit", "commit")
    static let rollback = Statement("rollback", "rollback")
}
