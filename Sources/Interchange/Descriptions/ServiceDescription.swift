public import Domain

extension Descriptions {
    /// spec 2.12 User.
    public static let user = ObjectDescription<Void, UserAccess>(
        "User", plural: "Users", meaning: "A service user: the credentials of a program."
    ) {
        Field.text("userName", 60, mark: .extended, meaning: "Its name.", get: { $0.userName })
        Field.texts(
            "privileges", mark: .extended, item: "privilege",
            meaning: "What it may do: management-api everything, management-api-read find and load.",
            get: { $0.privileges })
        Field.integerList(
            "accountIds", in: Forms.accountNumbers, maxCount: 1_000_000, mark: .extended,
            meaning: "The merchant accounts within its reach.", get: { $0.accountIDs })
        Field.text(
            "temporaryPassword", 64, mark: .extended,
            meaning:
                "Takes the place of the password in HTTP authentication until it expires, the password is changed or the user revoked; shown this once.",
            get: { $0.temporaryPassword })
        Field.dateTime(
            "temporaryPasswordExpires", mark: .extended, meaning: "Until when it holds, in UTC.",
            get: { $0.expires })
    }

    /// spec 2.12 ServiceResponse.
    public static let serviceResponse = ObjectDescription<Void, ServiceResponse>(
        "ServiceResponse", plural: "ServiceResponses",
        meaning: "Says that something was done, where there is no object to answer with."
    ) {
        Field.text("responseType", 20, meaning: "Always success.", get: { _ in "success" })
        Field.text("message", 250, meaning: "What was done.", get: { $0.message })
        Field.text("requestId", 128, meaning: "The request's id.", get: { $0.requestID })
    }
}
