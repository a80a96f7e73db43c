public import Domain

/// Who may write a field, and when (spec 2).
public enum Mode: String, Sendable {
    /// Sent back by us; ignored when a caller sends it.
    case readOnly = "R"
    /// Taken on ~create; on ~modify accepted when equal to the stored value, else V31.
    case createOnly = "C"
    /// Taken on ~create and ~modify.
    case writable = "W"
}

/// Where a fact comes from (spec README, *Marks*).
public enum Mark: String, Sendable {
    /// The vendor's documentation.
    case vendor = "V"
    /// Decided for this server, where the documentation is silent.
    case decided = "D"
    /// An extension that the vendor's interface does not have.
    case extended = "X"
}

/// Whether a field must be there on ~create, or a parameter in its call.
public enum Requirement: Hashable, Sendable {
    /// May be left out.
    case no
    /// Refused with V01 when missing or null; null on ~modify likewise.
    case always
    /// Needed under a condition, in words for the documentation ("unless a token is given"). Tested by the
    /// description's `check` or by the action, not by the decoder.
    case when(String)
}

/// One code of an enumeration and what it means (spec 3).
public struct EnumerationCode: Hashable, Sendable {
    /// The code as it is sent.
    public let code: String
    /// Its meaning, in a few words.
    public let meaning: String

    /// A code with its meaning.
    public init(_ code: String, _ meaning: String) {
        self.code = code
        self.meaning = meaning
    }
}

/// The codes that may stand in a field, in the order of the documentation (spec 3).
public struct EnumerationFacts: Hashable, Sendable {
    /// The enumeration's name in the documentation, `billingCycleType`.
    public let name: String
    /// The allowed codes; in a refusal they are listed in this order.
    public let codes: [EnumerationCode]

    /// An enumeration with its codes.
    public init(_ name: String, _ codes: [EnumerationCode]) {
        self.name = name
        self.codes = codes
    }

    /// The same enumeration with only these codes, for a field that takes some of them.
    public func only(_ subset: [String]) -> EnumerationFacts {
        EnumerationFacts(name, codes.filter { subset.contains($0.code) })
    }

    func contains(_ code: String) -> Bool {
        codes.contains { Shown.isSame($0.code, code) }
    }
}

/// A rule for the form of a text beyond its length.
public struct TextForm: Sendable {
    /// A regular expression that says the same, for OpenAPI; nil where none can.
    public let pattern: String?
    /// What follows the field's name in a refusal: "must be a valid email address".
    public let sentence: String
    /// F05 for a wrong form, V21 where the form is right and the value is not one of those allowed.
    public let code: FailureCode
    /// Whether the text conforms. Gets no empty text, and none that is too long.
    public let accepts: @Sendable (String) -> Bool

    /// A rule with its sentence.
    public init(
        _ sentence: String, pattern: String? = nil, code: FailureCode = .wrongForm,
        accepts: @escaping @Sendable (String) -> Bool
    ) {
        self.sentence = sentence
        self.pattern = pattern
        self.code = code
        self.accepts = accepts
    }

    /// The form of a caller's own identifier (spec 2); its length is checked with it.
    public static let code = TextForm(
        "must be made of letters A-Z a-z, digits and . _ : @ -", pattern: "^[A-Za-z0-9._:@-]{1,60}$",
        accepts: { Code.isValid($0) })
}

/// The type of a field or parameter.
public enum FieldType: Sendable {
    /// A whole number within a range; outside it V21. Given for amounts, counts, identifiers.
    case integer(ClosedRange<Int64>)
    /// The same, called Long in the documentation.
    case long(ClosedRange<Int64>)
    /// Text with its greatest length in Unicode scalars.
    case text(maxLength: Int, form: TextForm?)
    /// One of the codes; another one is V21.
    case enumeration(EnumerationFacts)
    /// `true` or `false`.
    case boolean
    /// `yyyy-MM-dd`.
    case date
    /// `yyyy-MM-dd` or `yyyy-MM-dd HH:mm:ss` on the merchant account's wall clock.
    case dateTime
    /// An id, or `*` and the caller's code.
    case reference
    /// Whole numbers, each within the range, at most so many: a list in json (a text is taken, too), one text with commas in
    /// xml and xurl (`3,5,7`; `none` for an empty list).
    case integerList(ClosedRange<Int64>, maxCount: Int)
    /// A nested object.
    case object(ObjectFacts)
    /// A list of nested objects.
    case list(ObjectFacts)
    /// A list of texts; sent back only.
    case texts

    /// Whether it is a child element in XML.
    public var isContainer: Bool {
        switch self {
        case .object, .list, .texts: true
        default: false
        }
    }

    /// The type's name in the documentation: `Integer`, `String(125)`, `PaymentOption[]`.
    public var name: String {
        switch self {
        case .integer: "Integer"
        case .long: "Long"
        case .text(let maxLength, _): "String(\(maxLength))"
        case .enumeration(let facts): "Enum(\(facts.codes.map(\.code.utf8.count).max() ?? 0))"
        case .boolean: "Boolean"
        case .date: "Date"
        case .dateTime: "Datetime"
        case .reference: "Long or *code"
        case .integerList: "Integer list"
        case .object(let facts): facts.name
        case .list(let facts): "\(facts.name)[]"
        case .texts: "String[]"
        }
    }
}

/// All that is documented of one field or parameter.
public struct FieldFacts: Sendable {
    /// The name in json and xurl, and of the XML attribute.
    public let name: String
    /// The name as an XML child element, where the type is a container: `payment-options`.
    public let elementName: String
    /// Its type with lengths, ranges and codes.
    public let type: FieldType
    /// Who may write it.
    public let mode: Mode
    /// Whether it must be given.
    public let required: Requirement
    /// What stands there when it is not given, in words or as the value.
    public let defaultText: String?
    /// One sentence for the documentation.
    public let meaning: String
    /// Where it comes from.
    public let mark: Mark
    /// Whether answers have it; false for what is taken and never sent back.
    public internal(set) var isReturned = true

    /// The facts of one field.
    public init(
        _ name: String, _ type: FieldType, _ mode: Mode, required: Requirement = .no, default: String? = nil,
        mark: Mark = .vendor, meaning: String
    ) {
        self.name = name
        self.elementName = Shown.dashed(name)
        self.type = type
        self.mode = mode
        self.required = required
        self.defaultText = `default`
        self.meaning = meaning
        self.mark = mark
    }
}

/// All that is documented of one class of objects.
public struct ObjectFacts: Sendable {
    /// The class, `PaymentOption`.
    public let name: String
    /// Its XML element, `payment-option`.
    public let elementName: String
    /// The XML element around a list of them, `payment-options`.
    public let plural: String
    /// One sentence for the documentation.
    public let meaning: String
    /// Its fields in the order of the documentation and of every answer.
    public let fields: [FieldFacts]

    /// The facts of one class.
    public init(name: String, elementName: String, plural: String, meaning: String, fields: [FieldFacts]) {
        self.name = name
        self.elementName = elementName
        self.plural = plural
        self.meaning = meaning
        self.fields = fields
    }
}
