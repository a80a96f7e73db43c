import CSodium

/// SHA-256 of what is added, piece by piece; for idempotency fingerprints (design/reliability).
public struct Digest {
    private var state = crypto_hash_sha256_state()

    /// The digest of nothing so far.
    public init() {
        crypto_hash_sha256_init(&state)
    }

    /// A hash of 16 bytes, by BLAKE2b: no weaker than SHA-256 cut to that length, in a fifth of its time. For the tags of documents,
    /// which every reading needs.
    public static func tag(of bytes: [UInt8]) -> [UInt8] {
        var tag = [UInt8](repeating: 0, count: 16)
        crypto_generichash(&tag, tag.count, bytes, UInt64(bytes.count), nil, 0)
        return tag
    }

    /// Adds bytes.
    public mutating func add(_ bytes: [UInt8]) {
        crypto_hash_sha256_update(&state, bytes, UInt64(bytes.count))
    }

    /// Adds bytes.
    public mutating func add(_ bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress else { return }
        crypto_hash_sha256_update(&state, start.assumingMemoryBound(to: UInt8.self), UInt64(bytes.count))
    }

    /// Adds a text preceded by its length (8 bytes, big endian), so that neighbouring fields cannot run into
    /// each other.
    public mutating func add(field text: String) {
        withUnsafeBytes(of: UInt64(text.utf8.count).bigEndian) { add($0) }
        withUTF8(of: text) { bytes, count in
            _ = crypto_hash_sha256_update(&state, bytes, count)
        }
    }

    /// The 32 bytes; nothing more may be added.
    public consuming func finish() -> [UInt8] {
        var result = [UInt8](repeating: 0, count: 32)
        crypto_hash_sha256_final(&state, &result)
        return result
    }
}
