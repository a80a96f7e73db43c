/// The chance of one history: the same seed draws the same numbers on every machine.
struct Draw {
    private var state: UInt64

    /// Begins with a seed.
    ///
    /// The seed is mixed first: neighbours would draw the same numbers, shifted by one.
    init(seed: UInt64) {
        state = seed &* 0xD6E8_FEB8_6659_FD93 &+ 0x1234_5678_9ABC_DEF1
        state = bits() ^ (bits() << 7)
    }

    /// The next 64 bits (SplitMix64).
    mutating func bits() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A number of the range.
    mutating func number(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + Int(bits() % UInt64(range.count))
    }

    /// True so many times of a thousand.
    mutating func chance(_ perMille: Int) -> Bool { number(0...999) < perMille }

    /// One of these; nil of none.
    mutating func one<Item>(of items: [Item]) -> Item? {
        items.isEmpty ? nil : items[number(0...(items.count - 1))]
    }
}
