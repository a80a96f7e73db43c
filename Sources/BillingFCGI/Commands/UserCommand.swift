import ArgumentParser
import Domain
import Interchange
import Persistence
import Vault

/// `billing user …`: service users, the credentials of programs (spec 4.1).
struct UserCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "user", abstract: "Creates, lists and revokes service users; gives new passwords.",
        subcommands: [Create.self, NewPassword.self, Revoke.self, List.self])

    /// `billing user create`.
    struct Create: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Creates a service user and shows its password, this once.")

        @Argument(help: "Its name, which begins with api-.")
        var name: String

        @Option(help: "A merchant account within its reach; may be repeated.")
        var account: [Int64]

        @Option(
            help: "management-api (the default), or management-api-read, which may find and load only.",
            transform: Create.privilege)
        var privilege = ServiceUser.Privilege.full

        @OptionGroup var answer: AnswerOptions

        func run() throws {
            let password = Random.password()
            let created = try Configuration.read().operating { store in
                for id in account where try store.account(id) == nil {
                    throw Refusal(.notFound, "there is no merchant account \(id)", field: "accountId")
                }
                try store.createUser(
                    name, passwordHash: try Password.hash(password), privilege: privilege, accounts: account)
                return try store.existingUser(name)
            }
            answer.show(created.document(password: password)) { Self.text(name, password) }
        }

        private static func privilege(_ text: String) throws -> ServiceUser.Privilege {
            guard let privilege = ServiceUser.Privilege(rawValue: text) else {
                let names = ServiceUser.Privilege.allCases.map(\.rawValue).joined(separator: ", ")
                throw ValidationError("'\(text)' is no privilege: give one of \(names).")
            }
            return privilege
        }

        fileprivate static func text(_ name: String, _ password: String) -> String {
            "user name  \(name)\npassword   \(password)\nThe password is shown this once; only its hash is kept."
        }
    }

    /// `billing user password`.
    struct NewPassword: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "password",
            abstract: "Gives a service user a new password and shows it, this once; the old one ends.")

        @Argument(help: "The user's name.")
        var name: String

        @OptionGroup var answer: AnswerOptions

        func run() throws {
            let password = Random.password()
            let user = try Configuration.read().operating { store in
                guard try store.existingUser(name).isActive else {
                    throw Refusal(.inactive, "service user \(name) was revoked: create another one")
                }
                try store.setPassword(of: name, hash: try Password.hash(password))
                return try store.existingUser(name)
            }
            answer.show(user.document(password: password)) { Create.text(name, password) }
        }
    }

    /// `billing user revoke`.
    struct Revoke: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Takes a service user's access away for good.")

        @Argument(help: "The user's name.")
        var name: String

        @OptionGroup var answer: AnswerOptions

        func run() throws {
            let user = try Configuration.read().operating { store in
                try store.revokeUser(name)
                return try store.existingUser(name)
            }
            answer.show(user.document()) { "revoked service user \(name)" }
        }
    }

    /// `billing user list`.
    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists the service users.")

        @OptionGroup var answer: AnswerOptions

        func run() throws {
            let users = try Configuration.read().operating { try $0.users() }
            answer.show(.list(users.map { $0.document() })) {
                guard !users.isEmpty else {
                    return "there is no service user: `billing user create` makes one"
                }
                return Terminal.columns(
                    [["NAME", "PRIVILEGE", "STATE", "ACCOUNTS"]]
                        + users.map { user in
                            [
                                user.name, user.privilege.rawValue, user.isActive ? "active" : "revoked",
                                user.accounts.map(String.init).joined(separator: " "),
                            ]
                        })
            }
        }
    }
}

extension ServiceUser {
    /// The user as commands show it: never its hash, its password only when it was made just now.
    fileprivate func document(password: String? = nil) -> Value {
        var members: [Value.Member] = [.init("userName", .text(name))]
        if let password { members.append(.init("password", .text(password))) }
        members += [
            .init("privilege", .text(privilege.rawValue)),
            .init("accounts", .list(accounts.map { .integer($0) })), .init("isActive", .boolean(isActive)),
        ]
        return .object(members)
    }
}

extension OperatorStore {
    /// The user; V24 when there is none such.
    fileprivate func existingUser(_ name: String) throws -> ServiceUser {
        guard let user = try user(named: name) else {
            throw Refusal(.notFound, "there is no service user \(name)")
        }
        return user
    }
}
