/// Names as they are shown, compared and guessed.
enum Shown {
    /// A name from a request for use in a refusal: at most 64 characters, control characters replaced, and
    /// the digits of what could be a card number put in the wrong place hidden.
    static func name(_ name: String) -> String {
        if name.utf8.count <= 64, name.utf8.allSatisfy({ $0 > 32 && $0 < 127 && !(48...57).contains($0) }) {
            return name
        }
        let digits = name.utf8.count { (48...57).contains($0) }
        var shown = String.UnicodeScalarView()
        for scalar in name.unicodeScalars.prefix(64) {
            if digits >= 12, ("0"..."9").contains(scalar) {
                shown.append("*")
            } else if TextRule.isRefused(scalar) {
                shown.append("\u{FFFD}")
            } else {
                shown.append(scalar)
            }
        }
        return String(shown)
    }

    /// Whether a sent name or code is this one of ours. Ours is ASCII; string comparison alone would let
    /// other spellings of a letter through.
    @inline(__always)
    static func isSame(_ ours: String, _ sent: String) -> Bool {
        ours.utf8.count == sent.utf8.count && ours == sent
    }

    /// `paymentOptions` and `PaymentOption` as XML element names: `payment-options`, `payment-option`.
    static func dashed(_ name: String) -> String {
        var bytes: [UInt8] = []
        for byte in name.utf8 {
            if (65...90).contains(byte) {
                if !bytes.isEmpty { bytes.append(UInt8(ascii: "-")) }
                bytes.append(byte + 32)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The known name that was probably meant: the same but for case and dashes, or at most two letters
    /// wrong, missing, too many or exchanged, and those less than half of it.
    static func nearMiss(_ sent: String, among names: some Sequence<String>) -> String? {
        guard sent.utf8.count <= 64 else { return nil }
        let plain = folded(sent)
        var best: (name: String, distance: Int)?
        for name in names {
            let candidate = folded(name)
            if candidate == plain { return name }
            let allowed = min(2, (candidate.count - 1) / 2)
            let distance = distance(plain, candidate, atMost: allowed)
            if distance <= allowed, distance < (best?.distance ?? .max) { best = (name, distance) }
        }
        return best?.name
    }

    private static func folded(_ name: String) -> [UInt8] {
        name.utf8.compactMap { byte in
            byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
                ? nil : (65...90).contains(byte) ? byte + 32 : byte
        }
    }

    /// Insertions, deletions, replacements and exchanges of neighbours that turn one into the other; more
    /// than `limit` is not counted further.
    private static func distance(_ left: [UInt8], _ right: [UInt8], atMost limit: Int) -> Int {
        guard abs(left.count - right.count) <= limit else { return limit + 1 }
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for row in 0..<left.count {
            var current = [row + 1]
            for column in 0..<right.count {
                let replaced = last[column] + (left[row] == right[column] ? 0 : 1)
                var cost = min(replaced, last[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                    cost = min(cost, beforeLast[column - 1] + 1)
                }
                current.append(cost)
            }
            beforeLast = last
            last = current
        }
        return last[right.count]
    }
}
