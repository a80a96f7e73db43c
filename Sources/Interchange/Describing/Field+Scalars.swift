public import Domain

// One function for each type of field. All take the same: the name, the meaning in one sentence, the mode
// (read-only when not given), whether it is required, the default in words, the mark; `get` for what is
// sent back (nil leaves the field out), `set` for what is taken (nil clears it), and for create-only fields
// `current`, with which ~modify compares what was sent. Without `current` a create-only field that is sent
// on ~modify with a value is refused. `claimed` takes such a value instead, for an action that can tell more.

extension Field {
    /// Text of at most `maxLength` Unicode scalars, without control characters.
    public static func text(
        _ name: String, _ maxLength: Int, form: TextForm? = nil, _ mode: Mode = .readOnly,
        required: Requirement = .no, default: String? = nil, mark: Mark = .vendor, meaning: String,
        get: (@Sendable (Object) -> String?)? = nil, set: (@Sendable (inout Form, String?) -> Void)? = nil,
        current: (@Sendable (Form) -> String?)? = nil,
        claimed: (@Sendable (inout Form, String) -> Void)? = nil
    ) -> Field {
        scalar(
            FieldFacts(
                name, .text(maxLength: maxLength, form: form), mode, required: required, default: `default`,
                mark: mark, meaning: meaning),
            get: get, set: set, current: current, claimed: claimed, wrap: { .text($0) }, unwrap: \.text)
    }

    /// One of an enumeration's codes. Every code of `facts` must be a raw value of `Code`.
    public static func enumeration<Code: RawRepresentable<String> & Sendable>(
        _ name: String, _ facts: EnumerationFacts, _ mode: Mode = .readOnly, required: Requirement = .no,
        default: String? = nil, mark: Mark = .vendor, meaning: String,
        get: (@Sendable (Object) -> Code?)? = nil, set: (@Sendable (inout Form, Code?) -> Void)? = nil,
        current: (@Sendable (Form) -> Code?)? = nil
    ) -> Field {
        for code in facts.codes {
            precondition(Code(rawValue: code.code) != nil, "\(name): \(code.code) has no case")
        }
        return scalar(
            FieldFacts(
                name, .enumeration(facts), mode, required: required, default: `default`, mark: mark,
                meaning: meaning),
            get: get, set: set, current: current, wrap: { .text($0.rawValue) },
            unwrap: { $0.text.flatMap { Code(rawValue: $0) } })
    }

    /// A whole number within a range, documented as Integer.
    public static func integer<Number: FixedWidthInteger & Sendable>(
        _ name: String, in range: ClosedRange<Int64> = FieldType.anyInteger, _ mode: Mode = .readOnly,
        required: Requirement = .no, default: String? = nil, mark: Mark = .vendor, meaning: String,
        get: (@Sendable (Object) -> Number?)? = nil, set: (@Sendable (inout Form, Number?) -> Void)? = nil,
        current: (@Sendable (Form) -> Number?)? = nil
    ) -> Field {
        precondition(Number(exactly: range.lowerBound) != nil || mode == .readOnly, "\(name): range")
        precondition(Number(exactly: range.upperBound) != nil || mode == .readOnly, "\(name): range")
        return scalar(
            FieldFacts(
                name, .integer(range), mode, required: required, default: `default`, mark: mark,
                meaning: meaning),
            get: get, set: set, current: current, wrap: { .integer(Int64($0)) },
            unwrap: { $0.integer.map { Number($0) } })
    }

    /// An amount in minor units within a range, documented as Integer.
    public static func money(
        _ name: String, in range: ClosedRange<Int64> = FieldType.anyInteger, _ mode: Mode = .readOnly,
        required: Requirement = .no, default: String? = nil, mark: Mark = .vendor, meaning: String,
        get: (@Sendable (Object) -> Money?)? = nil, set: (@Sendable (inout Form, Money?) -> Void)? = nil,
        current: (@Sendable (Form) -> Money?)? = nil
    ) -> Field {
        scalar(
            FieldFacts(
                name, .integer(range), mode, required: required, default: `default`, mark: mark,
                meaning: meaning),
            get: get, set: set, current: current, wrap: { .integer($0.minorUnits) },
            unwrap: { $0.integer.map { Money($0) } })
    }

    /// The number of an object, documented as Long; sent back only.
    public static func identifier<Subject>(
        _ name: String, mark: Mark = .vendor, meaning: String,
        get: @escaping @Sendable (Object) -> Identifier<Subject>?
    ) -> Field {
        Field(
            FieldFacts(name, .long(FieldType.anyInteger), .readOnly, mark: mark, meaning: meaning),
            .scalar { get($0).map { .integer($0.rawValue) } }, nil)
    }

    /// Another object, given by its id or `*` and its code, sent back by its id. ~modify compares with the
    /// id as it is now and cannot tell a code that means the same object: the action must resolve it, so
    /// `current` may give the code back.
    public static func reference<Subject>(
        _ name: String, _ mode: Mode = .readOnly, required: Requirement = .no, mark: Mark = .vendor,
        meaning: String, get: (@Sendable (Object) -> Identifier<Subject>?)? = nil,
        set: (@Sendable (inout Form, Reference?) -> Void)? = nil,
        current: (@Sendable (Form) -> Reference?)? = nil
    ) -> Field {
        Field(
            FieldFacts(name, .reference, mode, required: required, mark: mark, meaning: meaning),
            get.map { get in .scalar { get($0).map { .integer($0.rawValue) } } },
            writing(set: set, current: current, wrap: { .reference($0) }, unwrap: \.reference))
    }

    /// `true` or `false`.
    public static func boolean(
        _ name: String, _ mode: Mode = .readOnly, required: Requirement = .no, default: String? = nil,
        mark: Mark = .vendor, meaning: String, get: (@Sendable (Object) -> Bool?)? = nil,
        set: (@Sendable (inout Form, Bool?) -> Void)? = nil, current: (@Sendable (Form) -> Bool?)? = nil
    ) -> Field {
        scalar(
            FieldFacts(
                name, .boolean, mode, required: required, default: `default`, mark: mark, meaning: meaning),
            get: get, set: set, current: current, wrap: { .boolean($0) }, unwrap: \.boolean)
    }

    /// A day, `yyyy-MM-dd`.
    public static func date(
        _ name: String, _ mode: Mode = .readOnly, required: Requirement = .no, default: String? = nil,
        mark: Mark = .vendor, meaning: String, get: (@Sendable (Object) -> CalendarDate?)? = nil,
        set: (@Sendable (inout Form, CalendarDate?) -> Void)? = nil,
        current: (@Sendable (Form) -> CalendarDate?)? = nil
    ) -> Field {
        scalar(
            FieldFacts(
                name, .date, mode, required: required, default: `default`, mark: mark, meaning: meaning),
            get: get, set: set, current: current, wrap: { .date($0) }, unwrap: \.date)
    }

    /// A moment on the merchant account's wall clock; taken as a day or a day and a time, sent back as
    /// `yyyy-MM-dd HH:mm:ss`.
    public static func dateTime(
        _ name: String, _ mode: Mode = .readOnly, required: Requirement = .no, default: String? = nil,
        mark: Mark = .vendor, meaning: String, get: (@Sendable (Object) -> LocalDateTime?)? = nil,
        set: (@Sendable (inout Form, LocalDateTime?) -> Void)? = nil,
        current: (@Sendable (Form) -> LocalDateTime?)? = nil
    ) -> Field {
        scalar(
            FieldFacts(
                name, .dateTime, mode, required: required, default: `default`, mark: mark, meaning: meaning),
            get: get, set: set, current: current, wrap: { .dateTime($0) }, unwrap: \.dateTime)
    }

    /// Whole numbers: `[3,5,7]` in json, `3,5,7` in xml and xurl.
    public static func integerList(
        _ name: String, in range: ClosedRange<Int64>, maxCount: Int, _ mode: Mode = .readOnly,
        required: Requirement = .no, default: String? = nil, mark: Mark = .vendor, meaning: String,
        get: (@Sendable (Object) -> [Int64]?)? = nil, set: (@Sendable (inout Form, [Int64]?) -> Void)? = nil,
        current: (@Sendable (Form) -> [Int64]?)? = nil
    ) -> Field {
        scalar(
            FieldFacts(
                name, .integerList(range, maxCount: maxCount), mode, required: required, default: `default`,
                mark: mark, meaning: meaning),
            get: get, set: set, current: current, wrap: { .integers($0) }, unwrap: \.integers)
    }

    private static func scalar<Held>(
        _ facts: FieldFacts, get: (@Sendable (Object) -> Held?)?,
        set: (@Sendable (inout Form, Held?) -> Void)?,
        current: (@Sendable (Form) -> Held?)?, claimed: (@Sendable (inout Form, Held) -> Void)? = nil,
        wrap: @escaping @Sendable (Held) -> Scalar, unwrap: @escaping @Sendable (Scalar) -> Held?
    ) -> Field {
        Field(
            facts, get.map { get in .scalar { get($0).map(wrap) } },
            writing(set: set, current: current, claimed: claimed, wrap: wrap, unwrap: unwrap))
    }

    private static func writing<Held>(
        set: (@Sendable (inout Form, Held?) -> Void)?, current: (@Sendable (Form) -> Held?)?,
        claimed: (@Sendable (inout Form, Held) -> Void)? = nil,
        wrap: @escaping @Sendable (Held) -> Scalar, unwrap: @escaping @Sendable (Scalar) -> Held?
    ) -> Writing<Form>? {
        guard let set else { return nil }
        let assign: @Sendable (inout Form, Scalar?) -> Void = { form, scalar in
            set(&form, scalar.flatMap(unwrap))
        }
        var claim: (@Sendable (inout Form, Scalar) -> Void)?
        if let claimed {
            claim = { form, scalar in
                if let value = unwrap(scalar) { claimed(&form, value) }
            }
        }
        guard let current else { return .scalar(assign: assign, current: nil, claimed: claim) }
        return .scalar(assign: assign, current: { current($0).map(wrap) }, claimed: claim)
    }
}

extension FieldType {
    /// Every integer that all formats carry exactly (spec 4.2).
    public static let anyInteger: ClosedRange<Int64> = -Limits.largestInteger...Limits.largestInteger
}
