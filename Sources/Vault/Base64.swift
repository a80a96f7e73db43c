import CSodium

/// The encoding of credentials in HTTP Basic authentication (RFC 4648 §4).
public enum Base64 {
    /// The bytes that a text in base64 with padding stands for; nil when it is not one. At most 4,096 characters.
    public static func decode(_ text: Substring) -> [UInt8]? {
        guard text.utf8.count <= 4096 else { return nil }
        var text = text
        var bytes = [UInt8](repeating: 0, count: text.utf8.count)
        var count = 0
        let result = text.withUTF8 { characters in
            characters.withMemoryRebound(to: CChar.self) { source in
                sodium_base642bin(
                    &bytes, bytes.count, source.baseAddress, source.count, nil, &count, nil,
                    Int32(sodium_base64_VARIANT_ORIGINAL))
            }
        }
        guard result == 0 else { return nil }
        bytes.removeSubrange(count...)
        return bytes
    }
}
