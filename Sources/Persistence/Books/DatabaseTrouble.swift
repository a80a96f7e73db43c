public import Domain
public import Postgres

/// Trouble with the database that is no refusal: nothing of the transaction was kept.
public struct DatabaseTrouble: Error, CustomStringConvertible {
    /// What happened, with its SQLSTATE; for the log, never for the caller.
    public let failure: DatabaseFailure

    /// Trouble from this failure.
    public init(_ failure: DatabaseFailure) {
        self.failure = failure
    }

    /// What the caller is told: S02 when the same request may well succeed later, S01 when it shows a fault of the
    /// program.
    public var code: FailureCode {
        switch failure.kind {
        case .cannotConnect, .tooManyConnections, .connectionLost, .outcomeUnknown, .timeout, .lockTimeout,
            .serialization, .diskFull, .readOnly:
            .databaseUnavailable
        case .constraint, .other:
            .internalError
        }
    }

    /// One line for the log.
    public var description: String { failure.description }
}

/// The connection was lost between COMMIT and its answer: the work is done or it is not, and only a look tells.
public struct OutcomeUnknown: Error, CustomStringConvertible {
    /// What happened, for the log.
    public let failure: DatabaseFailure

    /// An unknown outcome from this failure.
    public init(_ failure: DatabaseFailure) {
        self.failure = failure
    }

    /// One line for the log.
    public var description: String { failure.description }
}
