/// Why the vault could not do what was asked. Its words never hold a key, a secret or any part of one.
public enum VaultFailure: Error, Hashable, Sendable {
    /// The master key's file is missing, open to others, or not in the expected form.
    case keyFile(path: String, problem: String)
    /// Something was wrapped by a version of the master key that the key file no longer holds.
    case unknownMasterKey(version: UInt16)
    /// A secret was sealed with another version of the account's data key than the one given.
    case wrongDataKey(sealedWith: UInt16, given: UInt16)
    /// The bytes were altered, cut, moved from another row or account, or sealed with another key.
    case notAuthentic
    /// The system had not the memory that hashing a password needs.
    case outOfMemory
}

extension VaultFailure: CustomStringConvertible {
    /// One sentence for the operator that says what to do.
    public var description: String {
        switch self {
        case .keyFile(let path, let problem):
            "vault key file \(path): \(problem)"
        case .unknownMasterKey(let version):
            "the vault key file lacks version \(version) of the master key: put its line back"
        case .wrongDataKey(let sealedWith, let given):
            "the secret was sealed with version \(sealedWith) of the data key, but version \(given) was given"
        case .notAuthentic:
            "sealed bytes do not belong to this row and key, or were altered: restore them from a backup"
        case .outOfMemory:
            "not enough memory to hash a password (19 MiB): lower the number of workers or add memory"
        }
    }
}
