public import Postgres

/// What login, the operator's commands and the health checks read and write, outside any tenant.
///
/// Each method is one round trip and atomic by itself.
public final class OperatorStore {
    let connection: Connection

    /// A store over a connection on which no transaction is open.
    public init(_ connection: Connection) {
        self.connection = connection
    }
}
