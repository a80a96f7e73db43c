import CSodium

/// The key that wraps every merchant account's data key, in one or more versions.
///
/// It lives in a file outside the database: each alone is of no use to a thief. The newest version wraps;
/// older ones only unwrap until everything has been re-wrapped (`Vault.rewrap`), then their lines may go.
public final class MasterKey {
    /// The version that wraps from now on.
    public let newestVersion: UInt16
    private let wrappingKeys: [UInt16: SecretBytes]

    /// All versions, oldest first.
    public var versions: [UInt16] { wrappingKeys.keys.sorted() }

    /// Reads the key from the text of a key file, which has one line for each version, rising, the newest
    /// last: `billing-vault-key v1 ` and 32 random bytes in hexadecimal digits or base64. Empty lines and
    /// lines that begin with `#` are passed over.
    ///
    /// - Parameter path: the file's name, for failures.
    init(parsing text: UnsafeRawBufferPointer, path: String) throws(VaultFailure) {
        Sodium.start()
        var keys: [UInt16: SecretBytes] = [:]
        var newest: UInt16 = 0
        var lineNumber = 0
        for line in text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            lineNumber += 1
            let words = line.split { $0 == UInt8(ascii: " ") || $0 == 9 || $0 == 13 }
            guard let first = words.first, first.first != UInt8(ascii: "#") else { continue }
            guard words.count == 3, first.elementsEqual(MasterKey.keyword.utf8),
                let version = MasterKey.parseVersion(words[1])
            else {
                throw .keyFile(
                    path: path,
                    problem:
                        "line \(lineNumber) is not of the form `\(MasterKey.keyword) v1 <32 random bytes>`")
            }
            guard version > newest else {
                throw .keyFile(
                    path: path, problem: "line \(lineNumber): versions must rise, the newest last")
            }
            guard let key = MasterKey.decodeKey(UnsafeRawBufferPointer(rebasing: words[2])) else {
                throw .keyFile(
                    path: path,
                    problem: "line \(lineNumber): the key is not 32 bytes in hexadecimal digits or base64")
            }
            keys[version] = key.deriveKey(context: "wrapkeys")
            newest = version
        }
        guard newest > 0 else {
            throw .keyFile(path: path, problem: "it holds no key; remove it and have a new one made")
        }
        wrappingKeys = keys
        newestVersion = newest
    }

    /// The first word of each line of a key file.
    static let keyword = "billing-vault-key"

    /// The sub-key by which this version wraps data keys.
    func wrappingKey(version: UInt16) throws(VaultFailure) -> SecretBytes {
        guard let key = wrappingKeys[version] else { throw .unknownMasterKey(version: version) }
        return key
    }

    /// Appends the line of a fresh random key of this version, in hexadecimal digits.
    static func appendLine(version: UInt16, to text: inout [UInt8]) {
        let key = SecretBytes.random(count: 32)
        text += "\(keyword) v\(version) ".utf8
        for index in 0..<key.count {
            let byte = key.pointer[index]
            text.append(hexDigit(byte >> 4))
            text.append(hexDigit(byte & 15))
        }
        text.append(UInt8(ascii: "\n"))
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 {
        // Without a table and without a branch, so that the cache tells nothing about the key.
        value &+ 48 &+ (((9 &- value) >> 7) &* 39)
    }

    private static func parseVersion(_ word: Slice<UnsafeRawBufferPointer>) -> UInt16? {
        guard word.first == UInt8(ascii: "v"), word.count > 1, word.dropFirst().first != UInt8(ascii: "0"),
            word.dropFirst().allSatisfy({ (48...57).contains($0) })
        else { return nil }
        return UInt16(String(decoding: word.dropFirst(), as: UTF8.self))
    }

    private static func decodeKey(_ word: UnsafeRawBufferPointer) -> SecretBytes? {
        guard let characters = word.baseAddress?.assumingMemoryBound(to: CChar.self) else { return nil }
        let decoders: [(UnsafeMutablePointer<UInt8>, inout Int) -> Int32] = [
            { sodium_hex2bin($0, 32, characters, word.count, nil, &$1, nil) },
            {
                sodium_base642bin(
                    $0, 32, characters, word.count, nil, &$1, nil, sodium_base64_VARIANT_ORIGINAL)
            },
        ]
        for decode in decoders {
            var isWhole = false
            let key = SecretBytes(count: 32) { target in
                var length = 0
                isWhole = decode(target, &length) == 0 && length == 32
            }
            if isWhole { return key }
        }
        return nil
    }
}
