import Testing

@testable import Vault

struct SecretTests {
    @Test func `a secret text shows itself to nobody but who asks`() {
        let secret = SecretText("4111111111111111")
        #expect(secret.withString { $0 } == "4111111111111111")
        #expect(secret.withBytes { Array($0) } == Array("4111111111111111".utf8))
        #expect(secret.count == 16)
        var shown = "\(secret) \(String(describing: secret)) \(String(reflecting: secret)) \([secret])"
        shown += "\(Optional(secret) as Any) \(["card": secret])"
        dump(secret, to: &shown)
        dump((csc: secret, other: [secret]), to: &shown)
        print(secret, to: &shown)
        #expect(shown.contains("•••") && !shown.contains("4111") && !shown.contains("1111"))
        #expect(!((secret as Any) is any Encodable))
        #expect(Mirror(reflecting: secret).children.isEmpty)
        #expect(SecretText("").withString { $0 } == "")
    }

    @Test(
        arguments: [
            (Random.token, 43, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
            (
                Random.temporaryPassword, 43,
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
            ),
            (Random.password, 24, "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789"),
            (Random.requestID, 16, "0123456789abcdefghjkmnpqrstvwxyz"),
        ] as [(@Sendable () -> String, Int, String)])
    func `random texts have their length and alphabet and do not repeat`(
        make: @Sendable () -> String, length: Int, alphabet: String
    ) {
        let texts = (0..<2000).map { _ in make() }
        #expect(Set(texts).count == texts.count)
        #expect(texts.allSatisfy { $0.utf8.count == length })
        var counts: [Character: Int] = [:]
        for text in texts { for character in text { counts[character, default: 0] += 1 } }
        #expect(Set(counts.keys) == Set(alphabet))
        // Every character about equally often: six standard deviations either way.
        let expected = Double(2000 * length) / Double(alphabet.utf8.count)
        let spread = 6 * expected.squareRoot()
        #expect(counts.values.allSatisfy { abs(Double($0) - expected) < spread }, "\(counts)")
    }

    @Test func `random bytes come in the number asked for`() {
        for count in [0, 1, 32, 1000] { #expect(Random.bytes(count).count == count) }
        #expect(Random.bytes(32) != Random.bytes(32))
    }

    /// FIPS 180-4, examples.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func `a digest is SHA-256, in one piece or in many`(text: String, expected: String) {
        func hex(_ bytes: [UInt8]) -> String {
            bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        }
        var whole = Digest()
        whole.add(Array(text.utf8))
        #expect(hex(whole.finish()) == expected)
        var digest = Digest()
        for byte in text.utf8 { digest.add([byte]) }
        #expect(hex(digest.finish()) == expected)
    }

    /// Python's hashlib: `blake2b(text, digest_size=16)`.
    @Test(arguments: [
        ("", "cae66941d9efbd404e4d88758ea67670"), ("abc", "cf4ab791c62b8d2b2109c90275287816"),
        (String(repeating: "x", count: 1000), "c9b2bd4ff487864c29fb41fab3e8187e"),
    ])
    func `a tag is BLAKE2b of 16 bytes`(text: String, expected: String) {
        let hex = Digest.tag(of: Array(text.utf8)).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
        #expect(hex.joined() == expected)
    }

    @Test func `fields of a digest cannot run into each other`() {
        func digest(_ fields: [String]) -> [UInt8] {
            var digest = Digest()
            for field in fields { digest.add(field: field) }
            return digest.finish()
        }
        #expect(digest(["GET", "/a"]) == digest(["GET", "/a"]))
        let others = [["GET/", "a"], ["GET", "/a", ""], ["GET/a"], []]
        for other in others { #expect(digest(other) != digest(["GET", "/a"])) }
    }
}
