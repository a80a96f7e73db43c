/// The sandbox's words for the codes it gives (spec 3.8).
enum SandboxWords {
    /// The code under which the book keeps what was withdrawn before it arrived. Nobody is told it: such an order stays unanswered.
    static let withdrawn = "E02"

    /// What a person reads beside the code.
    static func message(for code: String) -> String {
        switch code {
        case "A01": "Approved"
        case "A02": "Credit posted"
        case "A03": "Voided"
        case "A05": "Partly approved"
        case "D01": "Denied by the customer's bank"
        case "D02": "Expiry date is wrong"
        case "D03": "Insufficient funds"
        case "D04": "Pick up card"
        case "D05": "Account number is invalid"
        case "D06": "No such account"
        case "D08": "Security code is wrong"
        case "D09": "Duplicate transaction"
        case "D10": "Card was reported lost or stolen"
        case "D16": "Card has expired"
        case "D17": "Try again later"
        case "D18": "Amount is not acceptable"
        case "D27": "Transaction error"
        case "D29": "Card is restricted"
        case withdrawn: "Withdrawn before it arrived"
        case "N01": "Returned: insufficient funds"
        case "N02": "Returned: account is closed"
        case "N04": "Returned: account number is invalid"
        case "N07": "Returned: stopped by the payer"
        case "N08": "The branch was transferred: the routing number has changed"
        case "N09": "The account was amended: its number has changed"
        case "Z02": "Chargeback"
        default: preconditionFailure("the sandbox has no words for code \(code)")
        }
    }

    /// The processor's own number for a movement, unique for ever: `SB000000000042`.
    static func gatewayTransactionID(_ id: Int64) -> String {
        let digits = String(id)
        return "SB" + String(repeating: "0", count: max(0, 12 - digits.utf8.count)) + digits
    }

    /// Six letters and digits, different for each of 2^30 movements in a row, and not in an order.
    static func approvalCode(_ id: Int64) -> String {
        let alphabet: StaticString = "0123456789ABCDEFGHJKLMNPQRSTVWXY"
        // Multiplying by an odd number and folding the upper half into the lower can both be undone: no two
        // numbers meet.
        var bits = UInt32(truncatingIfNeeded: id) & 0x3FFF_FFFF
        bits = (bits &* 0x2545_F491) & 0x3FFF_FFFF
        bits ^= bits >> 15
        bits = (bits &* 0x1B87_3593) & 0x3FFF_FFFF
        return String(unsafeUninitializedCapacity: 6) { characters in
            for index in 0..<6 {
                characters[index] = alphabet.utf8Start[Int(bits >> (5 * UInt32(index)) & 31)]
            }
            return 6
        }
    }
}
