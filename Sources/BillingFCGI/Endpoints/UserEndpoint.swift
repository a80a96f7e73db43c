import Domain
import Interchange
import Persistence
import Pool
import Vault

/// `/users/{user-name}` (spec 1.6, 4.1).
enum UserEndpoint {
    static let routes = [
        Route(
            [.get, .post], "/users/{user-name}", "authenticate", explicit: true, reading: true,
            takesPassword: true, parameters: credentials, returns: .one(Descriptions.user.facts),
            failures: [.privilegeMissing],
            meaning: """
                Gives the service user a temporary password: by POST with its password in the body and no other \
                credentials, or by GET with HTTP authentication as this user. A temporary password cannot make another \
                one. The answer is never kept: an Idempotency-Key has no effect.
                """,
            run: authenticate)
    ]

    private static let credentials = ParameterList([
        ParameterDescription(
            "password", .text(maxLength: 1024, form: nil),
            "The user's password; required by POST, in the body only, and refused by GET.")
    ])

    /// The password in the body of a POST; V01 without one, F04 for one in the query, where logs could keep it.
    static func password(in request: Request, as format: Format?, _ route: Route) throws -> String {
        _ = try ParameterList.none.decode(Body(query: Array(request.query.utf8)))
        guard let format,
            let password = try route.parameters.decode(Body(reading: request.body, as: format)).text(
                "password")
        else { throw Refusal(.requiredFieldMissing, "password is required", field: "password") }
        return password
    }

    static func authenticate(_ call: Call) throws -> Answer {
        if call.request.method == Method.get.rawValue { try call.refuseQuery() }
        // A user authenticates itself only; of others it is told nothing.
        guard call.items[0] == call.user.name else { throw Login.wrong }
        guard !call.isTemporary else {
            throw Refusal(
                .privilegeMissing, "a temporary password gives no other one: use the user's password")
        }
        let password = Random.temporaryPassword()
        let services = call.services
        let expires = try services.books.operating {
            try $0.insertTemporaryPassword(
                of: call.user, digest: TemporaryPassword.digest(of: password),
                seconds: services.configuration.temporaryPasswordMinutes * 60)
        }
        // The password was changed, or the user revoked, since it was verified a moment ago.
        guard let expires else { throw Login.wrong }
        return Answer(
            Descriptions.user,
            UserAccess(
                userName: call.user.name, privileges: [call.user.privilege.rawValue],
                accountIDs: call.user.accounts, temporaryPassword: password, expires: expires))
    }
}
