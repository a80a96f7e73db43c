/// A service user as ~authenticate shows it (spec 2.12).
public struct UserAccess: Sendable {
    /// Begins with `api-`.
    public var userName: String
    /// What it may do.
    public var privileges: [String]
    /// The merchant accounts within its reach, ascending.
    public var accountIDs: [Int64]
    /// Made just now; a secret that is shown this once.
    public var temporaryPassword: String
    /// Until when it holds, in UTC.
    public var expires: LocalDateTime

    /// A user with a temporary password made just now.
    public init(
        userName: String, privileges: [String], accountIDs: [Int64], temporaryPassword: String,
        expires: LocalDateTime
    ) {
        self.userName = userName
        self.privileges = privileges
        self.accountIDs = accountIDs
        self.temporaryPassword = temporaryPassword
        self.expires = expires
    }
}

/// What is answered where there is no object to answer with (spec 2.12).
public struct ServiceResponse: Sendable {
    /// One sentence that says what was done.
    public var message: String
    public var requestID: String

    /// Something was done.
    public init(message: String, requestID: String) {
        self.message = message
        self.requestID = requestID
    }
}
