import Domain
import Persistence
import Postgres

/// A command was refused; the sentence goes to standard error and the exit status is 1.
struct CommandRefusal: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// Why a command was refused, in one sentence that says what to do.
enum Reason {
    /// The sentence for an error. Holds no password: failures of the database come without.
    static func sentence(of error: any Error) -> String {
        switch error {
        case let refusal as Refusal: refusal.faults.map(\.message).joined(separator: "; ")
        case let trouble as DatabaseTrouble: sentence(of: trouble.failure)
        case let failure as DatabaseFailure: sentence(of: failure)
        case let unknown as OutcomeUnknown:
            "the connection to the database was lost before it answered: look whether the change was made "
                + "(\(unknown.failure))"
        default: "\(error)"
        }
    }

    private static func sentence(of failure: DatabaseFailure) -> String {
        switch failure.kind {
        case .cannotConnect, .connectionLost:
            return
                "the database cannot be reached: check that PostgreSQL runs and that BILLING_DATABASE_URL is right "
                + "(\(failure))"
        case .tooManyConnections:
            return
                "the database has no free connection: raise max_connections, or run fewer workers (\(failure))"
        case .timeout, .lockTimeout:
            return "the database did not answer in time: try again (\(failure))"
        case .diskFull:
            return "the database's disk is full: free some space (\(failure))"
        case .readOnly:
            return "the database only reads: is it a replica? (\(failure))"
        case .outcomeUnknown, .serialization, .constraint, .other: break
        }
        switch failure.sqlState {
        // No such schema, table, column or function.
        case "3F000", "42P01", "42703", "42883":
            return "the database's schema is not that of this version: run `billing migrate` (\(failure))"
        case "42501":
            return
                "the database role may not do this: does BILLING_DATABASE_URL name a user? Without one each "
                + "process connects as its own role of deploy/roles.sql (\(failure))"
        default:
            return "the database refused: \(failure)"
        }
    }
}
