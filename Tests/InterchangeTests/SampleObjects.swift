import Domain
import Interchange

/// A made-up class with a field of every type and mode.
struct Member: Hashable, Sendable {
    var id = Identifier<Member>(0)
    var code = ""
    var createDate = LocalDateTime(date: .earliest)
    var name = ""
    var email: String?
    var note: String?
    var level = Level.basic
    var dues = Money.zero
    var visits: Int32?
    var isActive = true
    var birthday: CalendarDate?
    var lastSeen: LocalDateTime?
    var planId: Identifier<Plan>?
    var retryDays: [Int64]?
    var home: Address?
    var cards: [Card]?
    var tags: [String]?

    enum Plan {}
    enum Level: String, CaseIterable, Sendable { case basic = "B", premium = "P" }
}

struct Address: Hashable, Sendable {
    var street: String?
    var city: String?
}

struct Card: Hashable, Sendable {
    var id = Identifier<Card>(0)
    var holder = ""
    var number = ""
    var expiry: String?
    var isDefault = false
}

/// What may be sent of a member.
struct MemberForm: Hashable, Sendable {
    var stored: Member?
    var code: String?
    var name: String?
    var email: String?
    var note: String?
    var level: Member.Level? = .basic
    var dues: Money?
    var visits: Int32?
    var isActive: Bool? = true
    var birthday: CalendarDate?
    var lastSeen: LocalDateTime?
    var plan: Reference?
    var retryDays: [Int64]?
    var home: Address?
    var cards: [CardForm]?

    init() {}

    /// The form that ~modify begins with.
    init(_ member: Member) {
        stored = member
        code = member.code
        name = member.name
        email = member.email
        note = member.note
        level = member.level
        dues = member.dues
        visits = member.visits
        isActive = member.isActive
        birthday = member.birthday
        lastSeen = member.lastSeen
        plan = member.planId.map { .id($0.rawValue) }
        retryDays = member.retryDays
        home = member.home
    }
}

struct CardForm: Hashable, Sendable {
    var holder: String?
    var number: String?
    var expiry: String?
    var csc: String?
    var isDefault: Bool?
}

enum Sample {
    static let level = EnumerationFacts(
        "level", [EnumerationCode("B", "basic"), EnumerationCode("P", "premium")])

    static let email = TextForm("must be an email address") { text in
        text.utf8.count { $0 == UInt8(ascii: "@") } == 1
    }

    static let digits = TextForm("must be digits", pattern: "^[0-9]+$") { text in
        text.utf8.allSatisfy { (48...57).contains($0) }
    }

    static let address = ObjectDescription<Address, Address>(
        "Address", plural: "Addresses", meaning: "Where somebody lives."
    ) {
        Field.text(
            "street", 20, .writable, meaning: "Street and number.", get: { $0.street },
            set: { $0.street = $1 })
        Field.text("city", 20, .writable, meaning: "City.", get: { $0.city }, set: { $0.city = $1 })
    }

    static let card = ObjectDescription<CardForm, Card>(
        "MemberCard", plural: "MemberCards", meaning: "A card of a member.",
        check: { form, _ in
            form.csc != nil && form.expiry == nil
                ? [Fault(.requiredFieldMissing, "expiry is required with csc", field: "expiry")] : []
        }
    ) {
        Field.identifier("id", meaning: "Its number.", get: { $0.id })
        Field.text(
            "holder", 20, .writable, required: .always, meaning: "Name on the card.", get: { $0.holder },
            set: { $0.holder = $1 })
        Field.text(
            "number", 19, form: digits, .createOnly, required: .always, meaning: "The number, masked.",
            get: { $0.number.utf8.count < 4 ? $0.number : "**" + $0.number.suffix(2) },
            set: { $0.number = $1 })
        Field.text("expiry", 4, .writable, meaning: "MMYY.", get: { $0.expiry }, set: { $0.expiry = $1 })
        Field.text("csc", 4, form: digits, .createOnly, meaning: "Never stored.", set: { $0.csc = $1 })
        Field.boolean(
            "isDefault", .writable, meaning: "Used when none is named.", get: { $0.isDefault },
            set: { $0.isDefault = $1 })
    }

    static let member = ObjectDescription<MemberForm, Member>(
        "Member", plural: "Members", meaning: "Somebody who pays."
    ) {
        Field.identifier("id", meaning: "Its number.", get: { $0.id })
        Field.text(
            "code", 60, form: .code, .createOnly, meaning: "The caller's own.", get: { $0.code },
            set: { $0.code = $1 }, current: { $0.code })
        Field.dateTime("createDate", meaning: "When it was made.", get: { $0.createDate })
        Field.text(
            "name", 10, .writable, required: .always, meaning: "Name.", get: { $0.name },
            set: { $0.name = $1 })
        Field.text(
            "email", 100, form: email, .writable, meaning: "Where to write to.", get: { $0.email },
            set: { $0.email = $1 })
        Field.text("note", 1000, .writable, meaning: "Anything.", get: { $0.note }, set: { $0.note = $1 })
        Field.enumeration(
            "level", level, .writable, default: "B", meaning: "What is paid for.", get: { $0.level },
            set: { $0.level = $1 ?? .basic })
        Field.money(
            "dues", in: 0...99_999_999_999, .createOnly, required: .always, meaning: "Cents a month.",
            get: { $0.dues }, set: { $0.dues = $1 }, current: { $0.dues })
        Field.integer(
            "visits", in: 1...36, .writable, meaning: "How often.", get: { $0.visits },
            set: { $0.visits = $1 })
        Field.boolean(
            "isActive", .writable, default: "true", meaning: "Pays.", get: { $0.isActive },
            set: { $0.isActive = $1 ?? true })
        Field.date(
            "birthday", .writable, meaning: "A day.", get: { $0.birthday }, set: { $0.birthday = $1 })
        Field.dateTime(
            "lastSeen", .writable, meaning: "A moment.", get: { $0.lastSeen }, set: { $0.lastSeen = $1 })
        Field.reference(
            "planId", .createOnly, meaning: "What was agreed.", get: { $0.planId }, set: { $0.plan = $1 },
            current: { $0.plan })
        Field.integerList(
            "retryDays", in: 1...30, maxCount: 5, .writable, meaning: "Days.", get: { $0.retryDays },
            set: { $0.retryDays = $1 })
        Field.object(
            "home", of: address, .writable, meaning: "Where the member lives.", get: { $0.home },
            start: { $0.home ?? Address() }, set: { $0.home = $1 })
        Field.list(
            "memberCards", of: card, .createOnly, meaning: "Cards on file.", get: { $0.cards },
            start: { CardForm() }, set: { $0.cards = $1 }, current: { $0.stored?.cards ?? [] })
        Field.texts("tags", mark: .extended, item: "tag", meaning: "Words.", get: { $0.tags })
    }
}

extension String {
    /// The bytes of the text, for the readers.
    var bytes: [UInt8] { Array(utf8) }
}

/// The refusal of a piece of work; nil when it was not refused.
func refusing(_ work: () throws(Refusal) -> Void) -> Refusal? {
    do throws(Refusal) {
        try work()
        return nil
    } catch {
        return error
    }
}

/// A writer's content as text.
func written(_ write: (inout ByteWriter) -> Void) -> String {
    var writer = ByteWriter(capacity: 0)
    write(&writer)
    return String(decoding: writer.bytes, as: UTF8.self)
}
