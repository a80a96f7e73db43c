import CSodium

/// The encoding of credentials in HTTP Basic authentication (RFC 4648 §4).
public enum Base64 {
    /// The bytes that a text in base64 with padding stands for; nil when it is not one. At most 4,096 characters.
    public static func decode(_ text: Substring) -> [UInt8]? {
        let characters = Array(text.utf8)
        guard characters.count <= 4096 else { return nil }
        var bytes = [UInt8](repeating: 0, count: characters.count)
        var count = 0
        let result = characters.withUnsafeBytes { source in
            sodium_base642bin(
                &bytes, bytes.count, source.baseAddress?.assumingMemoryBound(to: CChar.self), source.count,
                nil,
                &count, nil, Int32(sodium_base64_VARIANT_ORIGINAL))
        }
        return result == 0 ? Array(bytes.prefix(count)) : nil
    }
}
