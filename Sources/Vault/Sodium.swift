import CSodium

/// The library, made ready once in each process before its first use.
enum Sodium {
    /// Makes libsodium ready; further calls cost nothing. Without it nothing here is safe, so failing is
    /// fatal.
    static func start() {
        _ = isStarted
    }

    private static let isStarted: Bool = {
        precondition(sodium_init() >= 0, "libsodium could not be initialised")
        return true
    }()
}

/// Bytes of a key in memory of their own: between guard pages, kept out of swap and core dumps where the
/// system allows it, wiped when released.
final class SecretBytes {
    /// The first byte; valid as long as this object.
    let pointer: UnsafeMutablePointer<UInt8>
    /// How many bytes there are.
    let count: Int

    /// Zeroed memory that `fill` writes once; read-only afterwards.
    convenience init(count: Int, fill: (UnsafeMutablePointer<UInt8>) -> Void) {
        self.init(writableCount: count)
        fill(pointer)
        _ = sodium_mprotect_readonly(pointer)
    }

    /// Zeroed memory that stays writable.
    init(writableCount count: Int) {
        Sodium.start()
        guard let memory = sodium_malloc(count) else {
            preconditionFailure("no memory for a key")
        }
        pointer = memory.bindMemory(to: UInt8.self, capacity: count)
        sodium_memzero(pointer, count)
        self.count = count
    }

    /// Fresh random bytes.
    static func random(count: Int) -> SecretBytes {
        SecretBytes(count: count) { randombytes_buf($0, count) }
    }

    /// A sub-key of this key for one purpose; other purposes' sub-keys tell nothing about it.
    ///
    /// - Parameter context: exactly eight ASCII characters, never used for two purposes.
    func deriveKey(context: StaticString) -> SecretBytes {
        precondition(count == crypto_kdf_keybytes() && context.utf8CodeUnitCount == crypto_kdf_contextbytes())
        return SecretBytes(count: 32) { subkey in
            context.utf8Start.withMemoryRebound(to: CChar.self, capacity: context.utf8CodeUnitCount) {
                _ = crypto_kdf_derive_from_key(subkey, 32, 1, $0, pointer)
            }
        }
    }

    deinit {
        sodium_free(pointer)
    }
}

extension [UInt8] {
    /// Overwrites the bytes where they lie; for buffers that held a secret.
    mutating func wipe() {
        withUnsafeMutableBytes { bytes in
            if let start = bytes.baseAddress { sodium_memzero(start, bytes.count) }
        }
    }
}

/// Gives the text's UTF-8 to `body`, for the library's functions, which take no null pointer even for an
/// empty text.
func withUTF8<Result>(of text: String, _ body: (UnsafePointer<UInt8>, UInt64) -> Result) -> Result {
    var text = text
    return text.withUTF8 { bytes in
        guard let start = bytes.baseAddress else {
            return withUnsafePointer(to: 0 as UInt8) { body($0, 0) }
        }
        return body(start, UInt64(bytes.count))
    }
}
