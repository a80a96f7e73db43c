import Synchronization

// How many requests each caller sends, counted by all workers together on the scoreboard: memory, no database, no lock.
extension Scoreboard {
    /// Places that are looked at for a caller, from the one its name leads to.
    private static let probes = 16

    /// Takes a request of a caller that may send so many a second, evenly or one second's worth at once.
    ///
    /// One word holds when the caller's next request is due were they sent evenly; each request moves it on by one interval, and
    /// one that comes more than a second before it is refused and moves nothing.
    ///
    /// - Parameters:
    ///   - caller: who; where more than 4096 are counted at one time, some share a place.
    /// - Returns: 0 when the request may be done; else in how many milliseconds one may be.
    public func admit(_ caller: String, perSecond: Int) -> Int {
        admit(caller, perSecond: perSecond, now: Clock.monotonic())
    }

    /// The same at a time in nanoseconds of the monotonic clock.
    func admit(_ caller: String, perSecond: Int, now: Int64) -> Int {
        let second: Int64 = 1_000_000_000
        let interval = max(1, second / Int64(max(1, perSecond)))
        let words = place(of: caller, now: now)
        var seen = words[1].load(ordering: .relaxed)
        while true {
            let next = max(seen, now) + interval
            if next > now + second + interval / 2 {
                return Int((next - now - second) / 1_000_000) + 1
            }
            let (exchanged, original) = words[1].compareExchange(
                expected: seen, desired: next, ordering: .relaxed)
            if exchanged { return 0 }
            seen = original
        }
    }

    /// The caller's two words; a place is taken over from a caller that has sent nothing for a while.
    private func place(of caller: String, now: Int64) -> Word {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in caller.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        // Names that differ in one digit are spread, too.
        hash = (hash ^ hash >> 33) &* 0xff51_afd7_ed55_8ccd
        hash = (hash ^ hash >> 33) &* 0xc4ce_b9fe_1a85_ec53
        hash ^= hash >> 33
        let mark = Int64(bitPattern: hash | 1)
        let first = Int(hash >> 20 & 0xFFFF)
        var free: Int?
        for step in 0..<Self.probes {
            let index = (first + step) % Self.callers
            let words = self.caller(index)
            let owner = words[0].load(ordering: .relaxed)
            if owner == mark { return words }
            if free == nil, owner == 0 || words[1].load(ordering: .relaxed) < now - 1_000_000_000 {
                free = index
            }
        }
        let words = self.caller(free ?? first % Self.callers)
        if free != nil { words[0].store(mark, ordering: .relaxed) }
        return words
    }
}
