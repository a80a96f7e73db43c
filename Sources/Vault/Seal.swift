import CSodium

/// Authenticated encryption of one text: nonce ‖ ciphertext ‖ tag.
enum Seal {
    static let nonceLength = crypto_aead_xchacha20poly1305_ietf_npubbytes()
    /// How much longer the sealed text is.
    static let overhead = nonceLength + crypto_aead_xchacha20poly1305_ietf_abytes()

    /// What the ciphertext is bound to: account ‖ row ‖ key version, big endian, 18 bytes.
    static func context(_ account: Int64, _ row: Int64, _ version: UInt16) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(18)
        bytes.appendBigEndian(account)
        bytes.appendBigEndian(row)
        bytes.appendBigEndian(version)
        return bytes
    }

    /// Encrypts the `count` bytes at `plain` under a fresh nonce and appends the result to `sealed`.
    static func append(
        _ plain: UnsafePointer<UInt8>, _ count: Int, to sealed: inout [UInt8], key: SecretBytes,
        context: [UInt8]
    ) {
        precondition(key.count == crypto_aead_xchacha20poly1305_ietf_keybytes())
        let nonce = Random.bytes(nonceLength)
        sealed += nonce
        var ciphertext = [UInt8](repeating: 0, count: count + overhead - nonceLength)
        crypto_aead_xchacha20poly1305_ietf_encrypt(
            &ciphertext, nil, plain, UInt64(count), context, UInt64(context.count), nil, nonce, key.pointer)
        sealed += ciphertext
    }

    /// Decrypts what begins at `start` of `sealed` into `target`, which has room for `overhead` less; false
    /// when it is not authentic.
    static func open(
        _ sealed: [UInt8], from start: Int, into target: UnsafeMutablePointer<UInt8>?, key: SecretBytes,
        context: [UInt8]
    ) -> Bool {
        sealed.withUnsafeBufferPointer { bytes in
            guard let nonce = bytes.baseAddress.map({ $0 + start }), bytes.count >= start + overhead else {
                return false
            }
            return crypto_aead_xchacha20poly1305_ietf_decrypt(
                target, nil, nil, nonce + nonceLength, UInt64(bytes.count - start - nonceLength),
                context, UInt64(context.count), nonce, key.pointer) == 0
        }
    }
}

extension [UInt8] {
    /// Appends the number's bytes, the highest first.
    mutating func appendBigEndian(_ number: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: number.bigEndian) { append(contentsOf: $0) }
    }
}
