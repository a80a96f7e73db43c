import CSodium
public import Domain

/// Credentials that were verified a short while ago, so that not every request pays for Argon2id.
///
/// Kept as keyed hashes under a key that this process alone has and never stores. An entry holds for one
/// revision of the user in the database: a changed or revoked password ends it at once.
/// Only verified credentials get in, so strangers cannot push others out.
public final class CredentialMemory {
    private struct Entry {
        var slot: Int
        var revision: Int64
        var verifiedAt: Timestamp
    }

    private let lifetime: Int64
    private let capacity: Int
    private let key = SecretBytes.random(count: 32)
    private let tags: SecretBytes
    private var entries: [String: Entry] = [:]
    private var freeSlots: [Int]

    /// An empty memory.
    ///
    /// - Parameters:
    ///   - seconds: how long a verification holds.
    ///   - capacity: how many users are remembered; the longest known makes room.
    public init(seconds: Int = 60, capacity: Int = 1000) {
        precondition(seconds > 0 && capacity > 0)
        lifetime = Int64(seconds) * 1_000_000
        self.capacity = capacity
        tags = SecretBytes(writableCount: capacity * 32)
        freeSlots = Array((0..<capacity).reversed())
    }

    /// How many users are remembered at this moment.
    public var count: Int { entries.count }

    /// Whether this very password was verified for this user within the lifetime, at this revision of the
    /// user.
    ///
    /// - Parameters:
    ///   - revision: what the database says now.
    ///   - now: the real clock, not a merchant account's; when it was set back, nothing is remembered.
    public func knows(user: String, password: String, revision: Int64, now: Timestamp) -> Bool {
        guard let entry = entries[user] else { return false }
        guard entry.revision == revision, holds(entry, at: now) else {
            forget(user: user)
            return false
        }
        return withTag(user: user, password: password) { tag in
            sodium_memcmp(tag, tags.pointer + entry.slot * 32, 32) == 0
        }
    }

    /// Keeps what was just verified, in place of what was known of this user.
    public func remember(user: String, password: String, revision: Int64, now: Timestamp) {
        forget(user: user)
        if freeSlots.isEmpty { makeRoom(at: now) }
        guard let slot = freeSlots.popLast() else { return }
        withTag(user: user, password: password) { tag in
            (tags.pointer + slot * 32).update(from: tag, count: 32)
        }
        entries[user] = Entry(slot: slot, revision: revision, verifiedAt: now)
    }

    /// Forgets one user: revoked, or another password set.
    public func forget(user: String) {
        guard let entry = entries.removeValue(forKey: user) else { return }
        sodium_memzero(tags.pointer + entry.slot * 32, 32)
        freeSlots.append(entry.slot)
    }

    private func holds(_ entry: Entry, at now: Timestamp) -> Bool {
        let age = now.microsecondsSince1970 - entry.verifiedAt.microsecondsSince1970
        return age >= 0 && age < lifetime
    }

    private func makeRoom(at now: Timestamp) {
        for (user, entry) in entries where !holds(entry, at: now) { forget(user: user) }
        if freeSlots.isEmpty, let oldest = entries.min(by: { $0.value.verifiedAt < $1.value.verifiedAt }) {
            forget(user: oldest.key)
        }
    }

    private func withTag<Result>(
        user: String, password: String, _ body: (UnsafePointer<UInt8>) -> Result
    ) -> Result {
        var message: [UInt8] = []
        message.reserveCapacity(8 + user.utf8.count + password.utf8.count)
        defer { message.wipe() }
        message.appendBigEndian(UInt64(user.utf8.count))
        message += user.utf8
        message += password.utf8
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 32) { tag in
            guard let start = tag.baseAddress else { preconditionFailure("no stack memory") }
            crypto_generichash(start, 32, message, UInt64(message.count), key.pointer, key.count)
            defer { sodium_memzero(start, 32) }
            return body(start)
        }
    }
}
