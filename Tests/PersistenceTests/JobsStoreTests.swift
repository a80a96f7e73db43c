import Domain
import Postgres
import Testing

@testable import Persistence

/// What lets jobs processes go on beside what cannot go on (spec 5.2, 5.6).
struct JobsStoreTests {
    /// 500 invoices that wait for the outcome of somebody's payment do not keep the run from those behind them.
    @Test func `invoices that wait for an outcome do not stand in the way of others`() throws {
        let tests = try TransactionStoreTests()
        let ids = try tests.invoice([1, 2])
        func due() throws -> [Identifier<Transaction>] {
            try tests.store {
                try $0.dueCollections(account: 2001, through: january, limit: 1).map(\.collection.invoiceID)
            }
        }
        #expect(try due() == [ids[0]])
        try tests.store { store throws in
            var changes = tests.newChanges()
            var attempt = tests.newAttempt(ids[2], 1, of: nil)
            attempt.subscriptionID = nil
            attempt.creatorCode = "api-caller"
            changes.attempts = [attempt]
            try store.write(changes)
        }
        #expect(try due() == [ids[1]])
        try tests.store { try $0.setAside(Identifier(202), account: 2001, reason: "no such key") }
        #expect(try due() == [])
        try tests.store { try $0.takeUpAgain(account: 2001, all: false) }
        #expect(try due() == [])
        try tests.store { try $0.takeUpAgain(account: 2001, all: true) }
        #expect(try due() == [ids[1]])
    }

    /// What the balance does not allow stays due until it does; what is paid is looked at all the same (spec 5.2 step 4, 5.9).
    @Test func `invoices beyond the balance wait`() throws {
        let tests = try TransactionStoreTests()
        let ids = Array(try tests.invoice([1, 2, 3]).prefix(3))
        func due() throws -> [Identifier<Transaction>] {
            try tests.store {
                try $0.dueCollections(account: 2001, through: january, limit: 9).map(\.collection.invoiceID)
            }
        }
        #expect(try due() == ids)
        let credit = try tests.credit(5000, of: 2)
        _ = try tests.credit(4999, of: 3)
        #expect(try due() == [ids[0], ids[2]])
        // Of the 5000 that are owed in the end, 4999 are on their way.
        _ = try tests.credit(1000, of: 1)
        #expect(try due() == [ids[0], ids[2]])
        try tests.store { store throws in
            let made = try store.reserveTransactionIDs(2)
            let fee = TransactionFacts(type: .serviceFee, amount: Money(1000), dueDate: january)
            var attempt = tests.newAttempt(made[1], 1, of: made[0])
            (attempt.amount, attempt.subscriptionID) = (Money(4999), nil)
            var changes = tests.newChanges()
            changes.add(made[0], of: tests.customer(1), fee)
            changes.attempts = [attempt]
            try store.write(changes)
        }
        #expect(try due() == [ids[0], ids[2]])
        _ = try tests.credit(1, of: 1)
        #expect(try due() == [ids[2]])
        // Paid in full: there is nothing to be collected, and it is closed.
        try tests.store { store throws in
            var changes = tests.newChanges()
            changes.allocations = [tests.allocation(2, credit, ids[1], 5000)]
            try store.write(changes)
        }
        #expect(try due() == [ids[1], ids[2]])
        #expect(try tests.database.violations() == [])
    }

    /// How far the late fees of a date have come says nothing about the next date, whoever comes late or ends half-way.
    @Test func `the round of a date begins with the first customer`() throws {
        let database = try BooksDatabase()
        let books = database.books()
        defer { books.close() }
        func so(far date: CalendarDate) throws -> Int64? {
            try books.withStore(reaching: [2001]) { try $0.agedSoFar(account: 2001, on: date) }
        }
        func note(_ customer: Int64?, _ date: CalendarDate) throws {
            try books.withStore(reaching: [2001]) {
                try $0.noteAged(account: 2001, upTo: customer, on: date)
            }
        }
        let next = january.adding(days: 1)
        #expect(try so(far: january) == 0)
        try note(3, january)
        #expect(try so(far: january) == 3)
        #expect(try so(far: next) == 0)
        try note(nil, january)
        #expect(try so(far: january) == nil)
        // One that read before and writes after.
        try note(3, january)
        #expect(try so(far: january) == nil)
        #expect(try so(far: next) == 0)
    }

    /// Two passes run side by side; the only pass waits for them and keeps others out.
    @Test func `ageing has the account for itself`() throws {
        let database = try BooksDatabase()
        let (one, other) = (database.books(), database.books())
        defer {
            one.close()
            other.close()
        }
        let beside = try one.asPass(of: 2001, waiting: false) {
            #expect(try other.asOnlyPass(of: 2001, waiting: false) { 1 } == nil)
            #expect(try other.asOnlyPass(of: 2002, waiting: false) { 1 } == 1)
            return try other.asPass(of: 2001, waiting: false) { 2 }
        }
        #expect(beside == 2)
        let alone = try one.asOnlyPass(of: 2001, waiting: false) {
            #expect(try other.asPass(of: 2001, waiting: false) { 1 } == nil)
            return try one.asPass(of: 2001, waiting: false) { 3 }
        }
        #expect(alone == 3)
        #expect(try other.asOnlyPass(of: 2001, waiting: false) { 4 } == 4)
    }
}
