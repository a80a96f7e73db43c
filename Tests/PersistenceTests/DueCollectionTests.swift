import Domain
import Persistence
import Postgres
import Testing

/// Oracle: spec 2.1 isActive: of an inactive customer nothing is billed or collected.
struct DueCollectionTests {
    @Test func `invoices of an inactive customer are not collected until it is active again`() throws {
        let database = try BooksDatabase()
        let books = database.books()
        defer { books.close() }
        let invoice = Identifier<Transaction>(2001)
        try books.transaction(reaching: [2001]) { store in
            var facts = TransactionFacts(type: .invoice, amount: Money(5000), dueDate: january)
            facts.subscriptionID = Identifier(201)
            facts.taxAmount = Money(400)
            facts.cycleNumber = 1
            var changes = BookChanges(under: .plain(2001), at: noon)
            changes.add(invoice, of: Identifier(1), facts)
            changes.collections = [
                InvoiceCollection(
                    invoiceID: invoice, customerID: Identifier(1), subscriptionID: Identifier(201),
                    state: .due, collectOn: january)
            ]
            changes.progress = [
                (
                    id: Identifier(201),
                    to: SubscriptionProgress(
                        status: .current, nextCycle: 2, nextBillingDate: february, lastBillingDate: january,
                        billedCount: 1)
                )
            ]
            try store.write(changes)
        }
        let administrator = try database.connection("postgres")
        defer { administrator.close() }
        try administrator.script(
            """
            set session_replication_role = replica;
            update subscriptions set next_billing_date = '2030-01-31'
            """)
        for status in Customer.Status.allCases {
            try administrator.script(
                "update customers set status = '\(status.rawValue)' where customer_id = 1")
            let found = try books.transaction(reaching: [2001]) { store in
                try store.dueCollections(account: 2001, through: january, limit: 10)
            }
            let isCollected = status != .inactive
            #expect(found.map(\.collection.invoiceID) == (isCollected ? [invoice] : []), "\(status)")
            #expect(found.allSatisfy { $0.customerStatus == status && $0.left == Money(5000) })
        }
    }
}
