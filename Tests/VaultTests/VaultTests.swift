import Testing

@testable import Vault

/// A vault over a key file that may get further versions.
private struct Fixture {
    let folder = Folder()
    var path: String { "\(folder.path)/key" }

    func open() throws -> Vault { Vault(try MasterKey.createFile(at: path)) }
    func openRotated() throws -> Vault { Vault(try MasterKey.addVersion(toFileAt: path)) }
}

struct VaultTests {
    @Test(arguments: ["4111111111111111", "4099999992", "", "ünïcode ☃", String(repeating: "9", count: 5000)])
    func `what was sealed opens again in its row`(secret: String) throws {
        let vault = try Fixture().open()
        let key = try vault.newDataKey(account: 2001)
        let sealed = try vault.seal(secret, account: 2001, row: 7, key: key)
        #expect(sealed.bytes.count == 42 + secret.utf8.count)
        #expect(try vault.open(sealed, account: 2001, row: 7, key: key).withString { $0 } == secret)
        // Bytes that went through storage, opened by another process with the same file.
        let stored = try #require(SealedSecret(bytes: sealed.bytes))
        let storedKey = try #require(WrappedKey(bytes: key.bytes))
        #expect(try vault.open(stored, account: 2001, row: 7, key: storedKey).withString { $0 } == secret)
    }

    @Test func `another row, account or key does not open it`() throws {
        let vault = try Fixture().open()
        let key = try vault.newDataKey(account: 2001)
        let next = try vault.newDataKey(account: 2001, version: 2)
        let twin = try vault.newDataKey(account: 2001)
        let foreign = try vault.newDataKey(account: 2002)
        let sealed = try vault.seal("4111111111111111", account: 2001, row: 7, key: key)
        let cases: [(account: Int64, row: Int64, key: WrappedKey, failure: VaultFailure)] = [
            (2001, 8, key, .notAuthentic),
            (2002, 7, key, .notAuthentic),
            (2002, 7, foreign, .notAuthentic),
            (2001, 7, foreign, .notAuthentic),
            (2001, 7, twin, .notAuthentic),
            (2001, 7, next, .wrongDataKey(sealedWith: 1, given: 2)),
        ]
        for other in cases {
            #expect(throws: other.failure, "\(other)") {
                try vault.open(sealed, account: other.account, row: other.row, key: other.key)
            }
        }
        let stranger = try Fixture().open()
        #expect(throws: VaultFailure.notAuthentic) {
            try stranger.open(sealed, account: 2001, row: 7, key: key)
        }
    }

    @Test func `every changed or cut byte is noticed`() throws {
        let vault = try Fixture().open()
        let key = try vault.newDataKey(account: 1)
        let sealed = try vault.seal("371449635392376", account: 1, row: 1, key: key)
        for index in sealed.bytes.indices {
            var bytes = sealed.bytes
            bytes[index] ^= 1
            let changed = try #require(SealedSecret(bytes: bytes))
            #expect(throws: VaultFailure.self, "byte \(index)") {
                try vault.open(changed, account: 1, row: 1, key: key)
            }
            guard let cut = SealedSecret(bytes: Array(sealed.bytes[..<index])) else { continue }
            #expect(throws: VaultFailure.self, "cut at \(index)") {
                try vault.open(cut, account: 1, row: 1, key: key)
            }
        }
        for index in key.bytes.indices {
            var bytes = key.bytes
            bytes[index] ^= 1
            let changed = try #require(WrappedKey(bytes: bytes))
            #expect(throws: VaultFailure.self, "key byte \(index)") {
                try vault.seal("1", account: 1, row: 1, key: changed)
            }
        }
        #expect(WrappedKey(bytes: Array(key.bytes.dropLast())) == nil)
        #expect(WrappedKey(bytes: key.bytes + [0]) == nil)
        #expect(SealedSecret(bytes: Array(repeating: 0, count: 41)) == nil)
    }

    @Test func `sealing twice gives different bytes`() throws {
        let vault = try Fixture().open()
        let key = try vault.newDataKey(account: 1)
        let sealed = try (0..<100).map { _ in try vault.seal("4111111111111111", account: 1, row: 1, key: key)
        }
        #expect(Set(sealed).count == 100)
        #expect(Set(sealed.map { Array($0.bytes[2..<26]) }).count == 100)
    }

    @Test func `a new master key re-wraps data keys and leaves secrets and fingerprints as they are`() throws
    {
        let fixture = Fixture()
        let vault = try fixture.open()
        let key = try vault.newDataKey(account: 5, version: 3)
        let sealed = try vault.seal("6011000991001201", account: 5, row: 9, key: key)
        let fingerprint = try vault.fingerprint(of: "6011000991001201", account: 5, key: key)
        #expect(!vault.isOutdated(key))

        let rotated = try fixture.openRotated()
        #expect(rotated.isOutdated(key))
        #expect(
            try rotated.open(sealed, account: 5, row: 9, key: key).withString { $0 } == "6011000991001201")
        let rewrapped = try rotated.rewrap(key, account: 5)
        #expect(rewrapped.masterVersion == 2 && rewrapped.version == 3 && !rotated.isOutdated(rewrapped))
        #expect(rewrapped != key)

        // The old line may go now.
        let lines = fixture.folder.read().split(separator: "\n")
        fixture.folder.write(String(try #require(lines.last)) + "\n")
        let alone = Vault(try MasterKey.read(from: fixture.path))
        #expect(
            try alone.open(sealed, account: 5, row: 9, key: rewrapped).withString { $0 } == "6011000991001201"
        )
        #expect(try alone.fingerprint(of: "6011000991001201", account: 5, key: rewrapped) == fingerprint)
        #expect(throws: VaultFailure.unknownMasterKey(version: 1)) {
            try alone.open(sealed, account: 5, row: 9, key: key)
        }
        #expect(throws: VaultFailure.notAuthentic) { try rotated.rewrap(key, account: 6) }
    }

    @Test func `a fingerprint is the same for one number of one account only`() throws {
        let vault = try Fixture().open()
        let one = try vault.newDataKey(account: 1)
        let two = try vault.newDataKey(account: 2)
        let first = try vault.fingerprint(of: "4111111111111111", account: 1, key: one)
        #expect(first.count == 32)
        #expect(try vault.fingerprint(of: "4111111111111111", account: 1, key: one) == first)
        #expect(try vault.fingerprint(of: "4111111111111112", account: 1, key: one) != first)
        #expect(try vault.fingerprint(of: "4111111111111111", account: 2, key: two) != first)
    }

    @Test func `more accounts than the cache holds all work`() throws {
        let vault = try Fixture().open()
        let sealed = try (1...600).map { account in
            let key = try vault.newDataKey(account: Int64(account))
            return (key, try vault.seal("\(account)", account: Int64(account), row: 1, key: key))
        }
        for (index, entry) in sealed.enumerated() {
            let opened = try vault.open(entry.1, account: Int64(index + 1), row: 1, key: entry.0)
            #expect(opened.withString { $0 } == "\(index + 1)")
        }
    }
}
