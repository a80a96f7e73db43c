import Domain
import Testing

struct SubscriptionStatusTests {
    /// Oracle: spec 3.3: U→C, U/C→F→C, U/C→P→C/U, U/C/F/P→N, C→E.
    @Test func `a subscription moves only as the contract allows`() {
        let allowed: Set = [
            "UC", "UF", "CF", "FC", "UP", "CP", "PC", "PU", "UN", "CN", "FN", "PN", "CE",
        ]
        for from in Subscription.Status.allCases {
            for to in Subscription.Status.allCases {
                let move = from.rawValue + to.rawValue
                #expect(from.mayBecome(to) == allowed.contains(move), "\(move)")
            }
        }
        #expect(Set(Subscription.Status.allCases.map(\.rawValue)) == ["U", "C", "F", "P", "N", "E"])
    }
}
