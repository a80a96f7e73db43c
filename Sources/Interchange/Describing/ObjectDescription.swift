public import Domain

/// The one description of a class of objects: decoding and checking in all formats, answers in all formats,
/// documentation and OpenAPI follow from it.
///
/// `Form` is what a caller may send: it starts from its defaults on ~create and from the stored object on
/// ~modify. `Object` is what is sent back. A class that callers never send has `Void` as its form, one that
/// is never sent back `Never` as its object.
public struct ObjectDescription<Form, Object>: Sendable {
    /// What is documented of the class.
    public let facts: ObjectFacts
    let fields: [Field<Form, Object>]
    let hasContainers: Bool
    /// The places of the fields that ~create needs.
    let requiredFields: [Int]
    let elementName: [UInt8]
    let plural: [UInt8]
    /// Rules between fields, each judged where the fields that it goes by are good by themselves.
    let check: (@Sendable (Form, Purpose) -> [Fault])?

    /// Describes a class by its fields, in the order of the documentation and of every answer; at most 64.
    ///
    /// The XML names follow from `name` and `plural` (`PaymentOption`, `PaymentOptions`:
    /// `<payment-option>`, `<payment-options>`). `check` tests rules between fields on the form as far as it
    /// was filled; its faults name the object's own fields, the one at fault and those that the rule reads. One
    /// that concerns a field which is wrong by itself, or missing, is left out. The path to the object is put
    /// before the names.
    public init(
        _ name: String, plural: String, meaning: String,
        check: (@Sendable (Form, Purpose) -> [Fault])? = nil,
        @FieldBuilder<Form, Object> fields: () -> [Field<Form, Object>]
    ) {
        let fields = fields()
        precondition(fields.count <= 64, "\(name): more fields than SeenFields can note")
        precondition(
            Set(fields.map(\.facts.name)).count == fields.count, "\(name): two fields have the same name")
        self.fields = fields
        self.check = check
        hasContainers = fields.contains { $0.facts.type.isContainer && $0.reading != nil }
        requiredFields = fields.indices.filter {
            fields[$0].facts.required == .always && fields[$0].facts.mode != .readOnly
        }
        facts = ObjectFacts(
            name: name, elementName: Shown.dashed(name), plural: Shown.dashed(plural), meaning: meaning,
            fields: fields.map(\.facts))
        elementName = Array(facts.elementName.utf8)
        self.plural = Array(facts.plural.utf8)
    }

    /// Where the field of this name stands; callers mostly send fields in our order, so the one after the
    /// last is tried first.
    func index(of name: String, after last: Int) -> Int? {
        let known = facts.fields
        if last + 1 < known.count, Shown.isSame(known[last + 1].name, name) { return last + 1 }
        return known.indices.first { Shown.isSame(known[$0].name, name) }
    }
}

/// Collects the fields of a description, each an expression of its own.
@resultBuilder
public enum FieldBuilder<Form, Object> {
    /// One field.
    public static func buildExpression(_ field: Field<Form, Object>) -> [Field<Form, Object>] { [field] }
    /// Fields that several descriptions share: `for field in addressFields { field }`.
    public static func buildArray(_ groups: [[Field<Form, Object>]]) -> [Field<Form, Object>] {
        groups.flatMap { $0 }
    }
    /// All of them in order.
    public static func buildBlock(_ groups: [Field<Form, Object>]...) -> [Field<Form, Object>] {
        groups.flatMap { $0 }
    }
}
