import Testing

@testable import Domain

/// Oracle: spec 5.5 and 2.11 retryDays; the days of scenario 5.
struct RetryTests {
    private func collection(_ state: InvoiceCollection.State = .open) -> InvoiceCollection {
        InvoiceCollection(
            invoiceID: Identifier(1), customerID: Identifier(7), subscriptionID: Identifier(51), state: state,
            collectOn: nil)
    }

    @Test func `a soft decline is tried again after each of the days, then no more`() throws {
        var collection = collection()
        var date = day("2027-01-10")
        for (retries, next) in [(1, "2027-01-13"), (2, "2027-01-18"), (3, "2027-01-25")] {
            collection.decline(isHard: false, on: date, retryDays: [3, 5, 7])
            #expect(collection.state == .due)
            #expect(collection.collectOn == day(next))
            #expect(collection.retries == retries)
            date = try #require(collection.collectOn)
            collection.state = .open
        }
        collection.decline(isHard: false, on: date, retryDays: [3, 5, 7])
        #expect(collection.state == .closed)
        #expect(collection.collectOn == nil)
        #expect(collection.retries == 3)
    }

    @Test func `without days there is no retry`() {
        var collection = collection()
        collection.decline(isHard: false, on: day("2027-01-10"), retryDays: [])
        #expect(collection.state == .closed)
        #expect(collection.collectOn == nil)
    }

    @Test func `a shorter list than retries made ends the retries`() {
        var collection = collection()
        collection.retries = 2
        collection.decline(isHard: false, on: day("2027-01-10"), retryDays: [3])
        #expect(collection.state == .closed)
    }

    @Test func `a hard decline waits for another option, whatever the days`() {
        for days in [[3, 5, 7], []] {
            var collection = collection()
            collection.decline(isHard: true, on: day("2027-01-10"), retryDays: days)
            #expect(collection.state == .waiting)
            #expect(collection.collectOn == nil)
            #expect(collection.retries == 0)
        }
    }

    @Test func `a payment by the run ends its collecting, a caller's leaves the rest to the run`() {
        for state in [InvoiceCollection.State.open, .due, .waiting, .closed] {
            var collection = collection(state)
            collection.collectOn = state == .due ? day("2027-01-13") : nil
            let before = collection
            collection.approve(isPartial: false, left: .zero, on: day("2027-01-10"))
            if state == .open { #expect(collection.state == .closed) } else { #expect(collection == before) }
        }
    }

    @Test func `an attempt that was cut leaves the rest due, a partial approval leaves it to a person`() {
        for (isPartial, state) in [(false, InvoiceCollection.State.due), (true, .closed)] {
            var collection = collection(.open)
            collection.approve(isPartial: isPartial, left: Money(100), on: day("2027-01-10"))
            #expect(collection.state == state)
            #expect(collection.collectOn == (isPartial ? nil : day("2027-01-10")))
        }
    }

    @Test func `a caller's declined try leaves the collecting as it stands`() {
        for state in [InvoiceCollection.State.due, .waiting, .closed] {
            for isHard in [false, true] {
                var collection = collection(state)
                collection.collectOn = state == .due ? day("2027-01-13") : nil
                let before = collection
                collection.decline(isHard: isHard, on: day("2027-01-10"), retryDays: [3, 5, 7])
                #expect(collection == before)
            }
        }
    }

    @Test func `what is closed has no day`() {
        var collection = collection(.due)
        collection.collectOn = day("2027-01-10")
        collection.close()
        #expect(collection.state == .closed)
        #expect(collection.collectOn == nil)
    }
}
