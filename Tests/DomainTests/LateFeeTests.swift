import Testing

@testable import Domain

/// Oracle: spec 2.11 lateFeeGraceDays, writeOffDays; scenario 14.
struct LateFeeTests {
    @Test func `the days of grace end on their day, not before`() throws {
        var policy = try accountState(on: "2027-01-10").account
        let due = day("2027-01-10")
        policy.lateFeeAmount = Money(500)
        policy.lateFeeGraceDays = 10
        policy.writeOffDays = 30
        #expect(!Fees.isLate(due, on: day("2027-01-19"), by: policy))
        #expect(Fees.isLate(due, on: day("2027-01-20"), by: policy))
        #expect(!Fees.isWrittenOff(due, on: day("2027-02-08"), by: policy))
        #expect(Fees.isWrittenOff(due, on: day("2027-02-09"), by: policy))
        policy.lateFeeAmount = .zero
        policy.writeOffDays = 0
        #expect(!Fees.isLate(due, on: day("2030-01-20"), by: policy))
        #expect(!Fees.isWrittenOff(due, on: day("2030-01-20"), by: policy))
    }
}
