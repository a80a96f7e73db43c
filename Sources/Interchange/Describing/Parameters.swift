public import Domain

/// The description of one parameter of an action: filters of ~find, arguments of explicit actions (spec 1).
public struct ParameterDescription: Sendable {
    /// What is documented of it.
    public let facts: FieldFacts

    /// A parameter. `default` is a value in the form in which a caller would send it in a query string, and
    /// takes effect when the parameter is not sent. Objects and lists cannot be parameters.
    public init(
        _ name: String, _ type: FieldType, required: Bool = false, default: String? = nil,
        mark: Mark = .vendor,
        _ meaning: String
    ) {
        precondition(!type.isContainer, "\(name): a parameter is a scalar")
        facts = FieldFacts(
            name, type, .writable, required: required ? .always : .no, default: `default`, mark: mark,
            meaning: meaning)
    }
}

/// The parameters that an action takes.
public struct ParameterList: Sendable {
    /// What is documented of each, in the order of the documentation.
    public let facts: [FieldFacts]
    private let defaults: [Scalar?]

    /// The parameters in the order of the documentation, at most 64; their defaults must be of their types.
    public init(_ parameters: [ParameterDescription]) {
        precondition(parameters.count <= 64)
        facts = parameters.map(\.facts)
        defaults = facts.map { facts in
            guard let text = facts.defaultText else { return nil }
            guard case .scalar(let scalar) = facts.type.convert(.plain(.text(text))),
                facts.type.check(scalar) == nil
            else { preconditionFailure("\(facts.name): the default is not of its type") }
            return scalar
        }
    }

    /// Takes the parameters from a query string or from the body of a POST, in any format; in XML they are
    /// the attributes of the root element, whose name does not matter.
    ///
    /// All faults are collected: F04, F05, V01, V21, in the order sent, then what is missing.
    public func decode(_ body: Body) throws(Refusal) -> Parameters {
        var decoding = Decoding(purpose: .create)
        var values = defaults
        var seen = SeenFields()
        switch body.content {
        case .value(.object(let members)):
            for member in members where !decoding.isFull {
                let sent: Sent = body.format == .json ? .typed(member.value) : .plain(member.value)
                take(member.name, sent, into: &values, &seen, &decoding)
            }
        case .element(let element):
            for attribute in element.attributes where !decoding.isFull {
                take(attribute.name, .plain(.text(attribute.value)), into: &values, &seen, &decoding)
            }
            for child in element.children where !decoding.isFull {
                decoding.addUnknown(child.name, in: "", known: facts.lazy.map(\.name), what: "parameter")
            }
        case .value: throw Refusal(.wrongForm, "the parameters must be one object")
        }
        for (index, facts) in facts.enumerated() where facts.required == .always && !seen.contains(index) {
            decoding.add(.requiredFieldMissing, facts.name, "is required")
        }
        try decoding.finish()
        return Parameters(names: facts, values: values)
    }

    private func take(
        _ name: String, _ sent: Sent, into values: inout [Scalar?], _ seen: inout SeenFields,
        _ decoding: inout Decoding
    ) {
        guard let index = facts.firstIndex(where: { Shown.isSame($0.name, name) }) else {
            return decoding.addUnknown(name, in: "", known: facts.lazy.map(\.name), what: "parameter")
        }
        guard seen.insert(index) else { return decoding.add(.repeatedField, name, "is given twice") }
        let facts = facts[index]
        switch facts.type.convert(sent) {
        case .wrong(let sentence): decoding.add(.wrongForm, name, sentence)
        case .null:
            if facts.required == .always { decoding.add(.requiredFieldMissing, name, "is required") }
        case .scalar(let scalar):
            if let fault = facts.type.check(scalar) {
                decoding.add(fault.code, name, fault.sentence)
            } else {
                values[index] = scalar
            }
        }
    }
}

/// The checked parameters of one call. Asking for a parameter that the action does not describe is a bug
/// and traps.
public struct Parameters: Sendable {
    private let names: [FieldFacts]
    private let values: [Scalar?]

    init(names: [FieldFacts], values: [Scalar?]) {
        self.names = names
        self.values = values
    }

    /// The text or the enumeration's code sent, else the default.
    public func text(_ name: String) -> String? { value(name)?.text }
    /// The number sent, else the default.
    public func integer(_ name: String) -> Int64? { value(name)?.integer }
    /// The truth value sent, else the default.
    public func boolean(_ name: String) -> Bool? { value(name)?.boolean }
    /// The day sent, else the default.
    public func date(_ name: String) -> CalendarDate? { value(name)?.date }
    /// The moment sent, else the default; a day alone is its midnight.
    public func dateTime(_ name: String) -> LocalDateTime? { value(name)?.dateTime }
    /// The id or code sent.
    public func reference(_ name: String) -> Reference? { value(name)?.reference }
    /// The numbers sent, else the default.
    public func integers(_ name: String) -> [Int64]? { value(name)?.integers }
    /// Whether the parameter was sent with a value, or has a default.
    public func has(_ name: String) -> Bool { value(name) != nil }

    private func value(_ name: String) -> Scalar? {
        guard let index = names.firstIndex(where: { $0.name == name }) else {
            preconditionFailure("no parameter \(name) is described")
        }
        return values[index]
    }
}
