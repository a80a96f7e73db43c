import CSodium
import Glibc

/// Service users' passwords: kept only as Argon2id hashes (19 MiB, two passes; some 24 ms each).
public enum Password {
    private static let passes: UInt64 = 2
    private static let memory = 19 * 1024 * 1024

    /// The hash to store, at most 127 ASCII characters; it holds its own salt and cost.
    public static func hash(_ password: String) throws(VaultFailure) -> String {
        Sodium.start()
        var hash = [CChar](repeating: 0, count: crypto_pwhash_strbytes())
        let status = withUTF8(of: password) { bytes, count in
            bytes.withMemoryRebound(to: CChar.self, capacity: Int(count)) { characters in
                crypto_pwhash_str(&hash, characters, count, passes, memory)
            }
        }
        guard status == 0 else { throw .outOfMemory }
        return String(decoding: hash.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// Whether this is the password of that hash.
    ///
    /// Give nil when there is no such user: the answer is then no, and takes as long as any other.
    /// Throws `outOfMemory` when it could not be found out, which must not count as a failed login.
    public static func verify(_ password: String, against hash: String?) throws(VaultFailure) -> Bool {
        Sodium.start()
        errno = 0
        let status = withUTF8(of: password) { bytes, count in
            bytes.withMemoryRebound(to: CChar.self, capacity: Int(count)) { characters in
                crypto_pwhash_str_verify(hash ?? nobody, characters, count)
            }
        }
        if status != 0, errno == ENOMEM { throw .outOfMemory }
        return status == 0 && hash != nil
    }

    /// Whether the hash was made at another cost than today's, so that it should be made anew at the next
    /// login.
    public static func isOutdated(_ hash: String) -> Bool {
        Sodium.start()
        return crypto_pwhash_str_needs_rehash(hash, passes, memory) != 0
    }

    /// The hash of random bytes that nobody kept, at today's cost.
    private static let nobody =
        "$argon2id$v=19$m=19456,t=2,p=1$WMQrP+gf5CA/s1H4/LdyYw$TADPvDe++ZcPGiD1JVQbnSH2fibVd6fH4zgUD41J2+Y"
}

/// Temporary passwords (spec 2.12): random enough that a fast hash keeps them safe.
public enum TemporaryPassword {
    /// The 32 bytes to store in place of the password.
    public static func digest(of password: String) -> [UInt8] {
        Sodium.start()
        var digest = [UInt8](repeating: 0, count: 32)
        withUTF8(of: password) { bytes, count in
            _ = crypto_generichash(&digest, 32, bytes, count, nil, 0)
        }
        return digest
    }

    /// Whether the stored digest is this password's; compared in constant time.
    public static func verify(_ password: String, against digest: [UInt8]) -> Bool {
        digest.count == 32 && sodium_memcmp(digest, self.digest(of: password), 32) == 0
    }
}
