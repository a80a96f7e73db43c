/// What a processor's code means (spec 3.8).
public enum ResponseKind: Sendable {
    /// Approved, whole or in part.
    case approved
    /// Declined; a later try may work.
    case softDecline
    /// Declined; it never will work.
    case hardDecline

    /// The meaning of a code. A code that spec 3.8 does not list is a soft decline: no money is taken for granted and no option
    /// given up because of it.
    public init(code: String) {
        switch code {
        case "A01", "A02", "A03", "A05": self = .approved
        case "D02", "D04", "D05", "D06", "D10", "D14", "D16", "D27", "D29", "N02", "N03", "N04", "N05", "N06",
            "N07":
            self = .hardDecline
        default: self = .softDecline
        }
    }

    /// `S` or `H` for the code of a decline (spec 2.8 declineType); nil for approvals, for what is no decline (chargeback Z02,
    /// corrections N08 and N09), and where there was no answer (E02).
    public static func declineType(of code: String) -> String? {
        switch code {
        case "Z02", "N08", "N09", "E02": nil
        default: ResponseKind(code: code).declineType
        }
    }

    /// `S` or `H` for a decline; nil when approved.
    public var declineType: String? {
        switch self {
        case .approved: nil
        case .softDecline: "S"
        case .hardDecline: "H"
        }
    }
}
