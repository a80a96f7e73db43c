import CSodium

/// A merchant account's data key, wrapped by the master key: what the database stores of it.
///
/// master key version (2 bytes, big endian) ‖ data key version (2) ‖ nonce (24) ‖ ciphertext (32) ‖ tag (16).
public struct WrappedKey: Hashable, Sendable {
    /// The bytes to store, 76.
    public let bytes: [UInt8]
    /// The version of the master key that unwraps it.
    public let masterVersion: UInt16
    /// The version among its account's data keys, from 1; secrets name it (`SealedSecret.keyVersion`).
    public let version: UInt16

    /// Takes the bytes from storage; nil when they cannot be a wrapped key.
    public init?(bytes: [UInt8]) {
        guard bytes.count == 4 + Seal.overhead + 32 else { return nil }
        self.bytes = bytes
        masterVersion = UInt16(bytes[0]) << 8 | UInt16(bytes[1])
        version = UInt16(bytes[2]) << 8 | UInt16(bytes[3])
    }
}

/// An encrypted card or bank account number: what the database stores of it.
///
/// data key version (2 bytes, big endian) ‖ nonce (24) ‖ ciphertext ‖ tag (16).
public struct SealedSecret: Hashable, Sendable {
    /// The bytes to store: 42 more than the secret has.
    public let bytes: [UInt8]
    /// The version of the account's data key that opens it.
    public let keyVersion: UInt16

    /// Takes the bytes from storage; nil when they cannot be a sealed secret.
    public init?(bytes: [UInt8]) {
        guard bytes.count >= 2 + Seal.overhead else { return nil }
        self.bytes = bytes
        keyVersion = UInt16(bytes[0]) << 8 | UInt16(bytes[1])
    }
}

/// Seals account numbers for storage and opens them again (XChaCha20-Poly1305, fresh nonce each time).
///
/// Two layers: each merchant account has a data key of its own, which seals its secrets and is stored wrapped
/// by the master key. Replacing the master key means re-wrapping the data keys; sealed secrets and
/// fingerprints stay as they are. A sealed secret opens only in the row and account that it was sealed for.
public final class Vault {
    /// Both keys that follow from a data key.
    private struct DataKey {
        var sealing: SecretBytes
        var fingerprinting: SecretBytes
    }

    private struct CacheKey: Hashable {
        var account: Int64
        var wrapped: WrappedKey
    }

    private let master: MasterKey
    private var unwrapped: [CacheKey: DataKey] = [:]
    private let cacheLimit = 256

    /// A vault over this master key.
    public init(_ master: MasterKey) {
        Sodium.start()
        self.master = master
    }

    /// A fresh random data key for a merchant account, wrapped by the newest master key.
    ///
    /// - Parameter version: 1 for the account's first; each later one rises.
    public func newDataKey(account: Int64, version: UInt16 = 1) throws(VaultFailure) -> WrappedKey {
        try wrap(SecretBytes.random(count: 32), account: account, version: version)
    }

    /// Whether an older version of the master key wraps it.
    public func isOutdated(_ key: WrappedKey) -> Bool {
        key.masterVersion != master.newestVersion
    }

    /// The same data key wrapped by the newest master key, for storage in its place.
    public func rewrap(_ key: WrappedKey, account: Int64) throws(VaultFailure) -> WrappedKey {
        try wrap(try open(key, account: account), account: account, version: key.version)
    }

    /// Encrypts a card or bank account number for one row.
    ///
    /// - Parameters:
    ///   - row: the number the row will have, taken from its sequence beforehand.
    ///   - key: the account's data key, the newest.
    public func seal(
        _ secret: String, account: Int64, row: Int64, key: WrappedKey
    ) throws(VaultFailure) -> SealedSecret {
        let dataKey = try dataKey(key, account: account)
        var bytes: [UInt8] = []
        bytes.appendBigEndian(key.version)
        withUTF8(of: secret) { plain, count in
            Seal.append(
                plain, Int(count), to: &bytes, key: dataKey.sealing,
                context: Seal.context(account, row, key.version))
        }
        guard let sealed = SealedSecret(bytes: bytes) else { throw .notAuthentic }
        return sealed
    }

    /// Decrypts what `seal` gave for the same account, row and key; anything else is `notAuthentic`.
    public func open(
        _ sealed: SealedSecret, account: Int64, row: Int64, key: WrappedKey
    ) throws(VaultFailure) -> SecretText {
        guard sealed.keyVersion == key.version else {
            throw .wrongDataKey(sealedWith: sealed.keyVersion, given: key.version)
        }
        let dataKey = try dataKey(key, account: account)
        return try SecretText(count: sealed.bytes.count - 2 - Seal.overhead) { plain in
            Seal.open(
                sealed.bytes, from: 2, into: plain.baseAddress, key: dataKey.sealing,
                context: Seal.context(account, row, key.version))
        }
    }

    /// 32 bytes that are the same for the same number in the same account and tell nothing else: for finding
    /// a card on file again.
    ///
    /// - Parameter key: the account's first data key, always the same one; re-wrapping does not change
    ///   fingerprints.
    public func fingerprint(
        of number: String, account: Int64, key: WrappedKey
    ) throws(VaultFailure) -> [UInt8] {
        let dataKey = try dataKey(key, account: account)
        var fingerprint = [UInt8](repeating: 0, count: 32)
        withUTF8(of: number) { bytes, count in
            _ = crypto_generichash(
                &fingerprint, 32, bytes, count, dataKey.fingerprinting.pointer, dataKey.fingerprinting.count)
        }
        return fingerprint
    }

    private func dataKey(_ key: WrappedKey, account: Int64) throws(VaultFailure) -> DataKey {
        let place = CacheKey(account: account, wrapped: key)
        if let known = unwrapped[place] { return known }
        let plain = try open(key, account: account)
        let dataKey = DataKey(
            sealing: plain.deriveKey(context: "sealnumb"),
            fingerprinting: plain.deriveKey(context: "fngrprnt"))
        if unwrapped.count >= cacheLimit, let other = unwrapped.keys.first {
            unwrapped.removeValue(forKey: other)
        }
        unwrapped[place] = dataKey
        return dataKey
    }

    private func wrap(
        _ plain: SecretBytes, account: Int64, version: UInt16
    ) throws(VaultFailure) -> WrappedKey {
        precondition(version > 0, "data keys are numbered from 1")
        var bytes: [UInt8] = []
        bytes.appendBigEndian(master.newestVersion)
        bytes.appendBigEndian(version)
        Seal.append(
            plain.pointer, plain.count, to: &bytes,
            key: try master.wrappingKey(version: master.newestVersion),
            context: Seal.context(account, Int64(version), master.newestVersion))
        guard let wrapped = WrappedKey(bytes: bytes) else { throw .notAuthentic }
        return wrapped
    }

    private func open(_ key: WrappedKey, account: Int64) throws(VaultFailure) -> SecretBytes {
        let wrapping = try master.wrappingKey(version: key.masterVersion)
        var isWhole = false
        let plain = SecretBytes(count: 32) { target in
            isWhole = Seal.open(
                key.bytes, from: 4, into: target, key: wrapping,
                context: Seal.context(account, Int64(key.version), key.masterVersion))
        }
        guard isWhole else { throw .notAuthentic }
        return plain
    }
}
