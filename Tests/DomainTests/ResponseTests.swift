import Domain
import Testing

struct ResponseTests {
    /// Oracle: spec 3.8.
    @Test func `every response code is good, soft or hard`() {
        let good = ["A01", "A02", "A03", "A05"]
        let soft = [
            "D01", "D03", "D07", "D08", "D09", "D12", "D15", "D17", "D18", "D21", "D26", "D30", "D33", "D34",
            "N01",
        ]
        let hard = [
            "D02", "D04", "D05", "D06", "D10", "D14", "D16", "D27", "D29", "N02", "N03", "N04", "N05", "N06",
            "N07",
        ]
        for code in good { #expect(ResponseKind(code: code) == .approved, "\(code)") }
        for code in soft { #expect(ResponseKind(code: code) == .softDecline, "\(code)") }
        for code in hard { #expect(ResponseKind(code: code) == .hardDecline, "\(code)") }
        #expect(ResponseKind.approved.declineType == nil)
        #expect(ResponseKind.softDecline.declineType == "S")
        #expect(ResponseKind.hardDecline.declineType == "H")
        for code in ["Z02", "N08", "N09", "E02", "A01"] {
            #expect(ResponseKind.declineType(of: code) == nil, "\(code)")
        }
        #expect(ResponseKind.declineType(of: "D99") == "S" && ResponseKind.declineType(of: "N02") == "H")
    }

    @Test(arguments: ["", "A", "A04", "A00", "a01", "A01 ", "D99", "D", "X01", "E02", "Z02", "N08"])
    func `an unlisted code takes no money for granted and gives no option up`(code: String) {
        #expect(ResponseKind(code: code) == .softDecline)
    }
}
