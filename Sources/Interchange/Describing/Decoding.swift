public import Domain

/// What a request wants of an object.
public enum Purpose: Sendable {
    /// ~create: required fields must be there.
    case create
    /// ~modify: only what is sent changes; create-only fields must not.
    case modify
}

/// The faults of one request as they are found.
struct Decoding {
    let purpose: Purpose
    var faults: [Fault] = []

    init(purpose: Purpose) {
        self.purpose = purpose
    }

    /// Whether the list is full: nothing further needs to be looked at.
    var isFull: Bool { faults.count >= Limits.faults }

    /// Adds a fault whose message is the field's name and the sentence.
    mutating func add(_ code: FailureCode, _ path: String, _ sentence: String) {
        add(Fault(code, "\(path) \(sentence)", field: path))
    }

    mutating func add(_ fault: Fault) {
        if !isFull { faults.append(fault) }
    }

    /// Adds F04 for a name that is not in the description, with the one that was probably meant.
    mutating func addUnknown(_ name: String, in prefix: String, known: some Sequence<String>, what: String) {
        guard !isFull else { return }
        let path = prefix + Shown.name(name)
        let guess = Shown.nearMiss(name, among: known).map { ": did you mean \($0)?" } ?? ""
        add(Fault(.unknownField, "\(path) is not a known \(what)\(guess)", field: path))
    }

    func finish() throws(Refusal) {
        if !faults.isEmpty { throw Refusal(faults) }
    }
}

extension ObjectDescription {
    /// Takes a request's body into a form: all fields checked, all faults collected.
    ///
    /// On `.create` the form comes with its defaults, on `.modify` with the stored object's values.
    /// Read-only fields are ignored. `null`, and empty text in any format, clear a field that is not
    /// required. Faults come in the order in which the fields were sent, then the required fields that are
    /// missing (F04, F05, F06, V01, V21, V31; at most 100). The form is left as it was when the body is
    /// refused.
    public func decode(_ body: Body, into form: inout Form, purpose: Purpose) throws(Refusal) {
        if case .element(let root) = body.content, !Shown.isSame(facts.elementName, root.name) {
            throw Refusal(
                .wrongForm, "the root element must be <\(facts.elementName)>, not <\(Shown.name(root.name))>")
        }
        var decoding = Decoding(purpose: purpose)
        var taken = form
        decodeObject(body.sent, into: &taken, "", &decoding)
        try decoding.finish()
        form = taken
    }

    /// Takes an object found at `path` (empty, or ending in a dot).
    func decodeObject(_ sent: Sent, into form: inout Form, _ path: String, _ decoding: inout Decoding) {
        let before = decoding.faults.count
        var seen = SeenFields()
        switch sent {
        case .typed(.object(let members)):
            for member in members where !decoding.isFull {
                take(member.name, .typed(member.value), into: &form, path, &seen, &decoding)
            }
        case .plain(.object(let members)):
            for member in members where !decoding.isFull {
                take(member.name, .plain(member.value), into: &form, path, &seen, &decoding)
            }
        case .element(let element):
            for attribute in element.attributes where !decoding.isFull {
                take(attribute.name, .plain(.text(attribute.value)), into: &form, path, &seen, &decoding)
            }
            for child in element.children where !decoding.isFull {
                takeChild(child, into: &form, path, &seen, &decoding)
            }
        case .typed, .plain:
            let name = String(path.dropLast())
            decoding.add(
                path.isEmpty
                    ? Fault(.wrongForm, "the body must be one object")
                    : Fault(.wrongForm, "\(name) must be an object", field: name))
            return
        }
        let missing =
            decoding.purpose == .create
            ? requiredFields.filter { !seen.contains($0) }.map { facts.fields[$0].name } : []
        if let check, !decoding.isFull {
            // A rule between fields is judged where all the fields that it goes by are good.
            let bad = decoding.faults[before...].compactMap { $0.ownField(of: path) } + missing
            for var fault in check(form, decoding.purpose) where !fault.goes(by: bad) {
                fault.field = fault.field.map { path + $0 }
                fault.reads = []
                decoding.add(fault)
            }
        }
        for name in missing { decoding.add(.requiredFieldMissing, path + name, "is required") }
    }

    private func take(
        _ name: String, _ sent: Sent, into form: inout Form, _ path: String, _ seen: inout SeenFields,
        _ decoding: inout Decoding
    ) {
        guard let index = index(of: name, after: seen.last) else {
            decoding.addUnknown(
                name, in: path, known: facts.fields.lazy.map(\.name), what: "field of \(facts.name)")
            return
        }
        takeField(index, sent, into: &form, path, &seen, &decoding)
    }

    private func takeChild(
        _ child: Element, into form: inout Form, _ path: String, _ seen: inout SeenFields,
        _ decoding: inout Decoding
    ) {
        let known = facts.fields
        if let index = known.firstIndex(where: {
            $0.type.isContainer && Shown.isSame($0.elementName, child.name)
        }) {
            takeField(index, .element(child), into: &form, path, &seen, &decoding)
        } else if let field = known.first(where: {
            Shown.isSame($0.name, child.name) || Shown.isSame($0.elementName, child.name)
        }) {
            let sentence =
                field.type.isContainer ? "must be an element <\(field.elementName)>" : "must be an attribute"
            decoding.add(.wrongForm, path + field.name, sentence)
        } else {
            let names = known.lazy.filter(\.type.isContainer).map(\.elementName)
            decoding.addUnknown(child.name, in: path, known: names, what: "element of \(facts.name)")
        }
    }

    private func takeField(
        _ index: Int, _ sent: Sent, into form: inout Form, _ path: String, _ seen: inout SeenFields,
        _ decoding: inout Decoding
    ) {
        let field = fields[index]
        guard seen.insert(index) else {
            decoding.add(.repeatedField, path + field.facts.name, "is given twice")
            return
        }
        switch field.writing {
        case nil: break
        case .container(let take):
            if sent.isNull, field.facts.required == .always {
                return decoding.add(.requiredFieldMissing, path + field.facts.name, "is required")
            }
            take(sent, &form, path + field.facts.name, &decoding)
        case .scalar(let assign, let current, let claimed):
            let scalar: Scalar?
            switch field.facts.type.convert(sent) {
            case .wrong(let sentence): return decoding.add(.wrongForm, path + field.facts.name, sentence)
            case .null: scalar = nil
            case .scalar(let value): scalar = value
            }
            if field.facts.mode == .createOnly, decoding.purpose == .modify {
                if Scalar.same(scalar, current?(form) ?? nil) { return }
                if let claimed, let scalar {
                    claimed(&form, scalar)
                } else {
                    decoding.add(.createOnly, path + field.facts.name, "cannot be changed")
                }
                return
            }
            if let scalar {
                if let fault = field.facts.type.check(scalar) {
                    return decoding.add(fault.code, path + field.facts.name, fault.sentence)
                }
            } else if field.facts.required == .always {
                return decoding.add(.requiredFieldMissing, path + field.facts.name, "is required")
            }
            assign(&form, scalar)
        }
    }
}

extension Fault {
    /// The field at fault of the object at `path` itself; nil where it is one of an object nested in it.
    fileprivate func ownField(of path: String) -> String? {
        guard let name = field?.dropFirst(path.count), !name.contains(".") else { return nil }
        return String(name)
    }

    /// Whether a fault between fields concerns one of these.
    fileprivate func goes(by names: [String]) -> Bool {
        !names.isEmpty && (field.map(names.contains) ?? false || reads.contains(where: names.contains))
    }
}

/// Which fields of a description were sent; a description has at most 64.
struct SeenFields {
    private var bits: UInt64 = 0
    private(set) var last = -1

    /// False when it was there already.
    mutating func insert(_ index: Int) -> Bool {
        last = index
        let bit: UInt64 = 1 << UInt64(index)
        defer { bits |= bit }
        return bits & bit == 0
    }

    func contains(_ index: Int) -> Bool { bits & (1 << UInt64(index)) != 0 }
}
