import CSodium

/// Unguessable texts, from the operating system's random source (safe across `fork`).
public enum Random {
    /// This many random bytes.
    public static func bytes(_ count: Int) -> [UInt8] {
        Sodium.start()
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, length in
            if let start = buffer.baseAddress { randombytes_buf(start, count) }
            length = count
        }
    }

    /// A payment option's token: 256 bits in 43 characters of `A-Z a-z 0-9 - _`, short enough for the field
    /// `token` (spec 2.2).
    public static func token() -> String {
        text(of: 43, from: base64)
    }

    /// A temporary password (spec 2.12): 256 bits in 43 characters, so that a fast hash of it is safe to
    /// store.
    public static func temporaryPassword() -> String {
        token()
    }

    /// Whether a text has the form of a temporary password, which no other password of ours has.
    public static func isTemporaryPassword(_ text: String) -> Bool {
        text.utf8.count == 43
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 48...57, 65...90, 97...122, 45, 95: true
                default: false
                }
            }
    }

    /// A service user's password: 24 letters and digits without those that look alike, 139 bits.
    public static func password() -> String {
        text(of: 24, from: legible)
    }

    /// A request's number for logs and answers: 16 small letters and digits, 80 bits.
    public static func requestID() -> String {
        text(of: 16, from: base32)
    }

    /// A version 4 UUID in its usual form: the identity of a process.
    public static func uuid() -> String {
        var bytes = bytes(16)
        bytes[6] = bytes[6] & 0x0F | 0x40
        bytes[8] = bytes[8] & 0x3F | 0x80
        var text = ""
        for (index, byte) in bytes.enumerated() {
            if [4, 6, 8, 10].contains(index) { text += "-" }
            text += byte < 16 ? "0" + String(byte, radix: 16) : String(byte, radix: 16)
        }
        return text
    }

    private static let base64: StaticString =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    private static let base32: StaticString = "0123456789abcdefghjkmnpqrstvwxyz"
    private static let legible: StaticString = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789"

    private static func text(of count: Int, from alphabet: StaticString) -> String {
        // A byte decides a character only where every character gets equally many bytes.
        let size = alphabet.utf8CodeUnitCount
        let fair = 256 / size * size
        let characters = alphabet.utf8Start
        return String(unsafeUninitializedCapacity: count) { target in
            var filled = 0
            withUnsafeTemporaryAllocation(byteCount: 64, alignment: 1) { pool in
                guard let start = pool.baseAddress else { return }
                Sodium.start()
                while filled < count {
                    randombytes_buf(start, pool.count)
                    for byte in pool where filled < count && Int(byte) < fair {
                        target[filled] = characters[Int(byte) % size]
                        filled += 1
                    }
                }
                sodium_memzero(start, pool.count)
            }
            return filled
        }
    }
}
