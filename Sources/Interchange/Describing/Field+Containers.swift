import Domain

extension Field {
    /// A nested object. `start` gives the form that its decoding begins with.
    /// Null is the same as not sent.
    public static func object<InnerForm, Inner>(
        _ name: String, of description: ObjectDescription<InnerForm, Inner>, _ mode: Mode = .readOnly,
        required: Requirement = .no, mark: Mark = .vendor, meaning: String,
        get: (@Sendable (Object) -> Inner?)? = nil, start: (@Sendable (Form) -> InnerForm)? = nil,
        set: (@Sendable (inout Form, InnerForm) -> Void)? = nil, current: (@Sendable (Form) -> Inner?)? = nil
    ) -> Field {
        let reading: Reading<Object>? = get.map { get in
            .container { object, names, place, writer in
                guard let inner = get(object) else { return }
                description.writeField(inner, names, place, &writer)
            }
        }
        var writing: Writing<Form>?
        if let set, let start {
            writing = .container { sent, form, path, decoding in
                if sent.isNull { return }
                if mode == .createOnly, decoding.purpose == .modify {
                    guard let stored = current?(form) else {
                        return decoding.add(.createOnly, path, "cannot be changed")
                    }
                    return description.compare(sent, with: stored, path + ".", &decoding)
                }
                var inner = start(form)
                description.decodeObject(sent, into: &inner, path + ".", &decoding)
                set(&form, inner)
            }
        }
        return Field(
            FieldFacts(
                name, .object(description.facts), mode, required: required, mark: mark, meaning: meaning),
            reading, writing)
    }

    /// A list of nested objects. Each item is decoded as on ~create, beginning with `start()`; `set` gets
    /// all of them. A nil list is left out of an answer, an empty one is written. Null is the same as not
    /// sent.
    public static func list<InnerForm, Inner>(
        _ name: String, of description: ObjectDescription<InnerForm, Inner>, _ mode: Mode = .readOnly,
        required: Requirement = .no, mark: Mark = .vendor, meaning: String,
        get: (@Sendable (Object) -> [Inner]?)? = nil, start: (@Sendable () -> InnerForm)? = nil,
        set: (@Sendable (inout Form, [InnerForm]) -> Void)? = nil,
        current: (@Sendable (Form) -> [Inner])? = nil
    ) -> Field {
        let reading: Reading<Object>? = get.map { get in
            .container { object, names, place, writer in
                guard let items = get(object) else { return }
                description.writeField(list: items, names, place, &writer)
            }
        }
        var writing: Writing<Form>?
        if let set, let start {
            writing = .container { sent, form, path, decoding in
                if sent.isNull { return }
                guard let items = sent.items(named: description.facts.elementName, path, &decoding) else {
                    return
                }
                if mode == .createOnly, decoding.purpose == .modify {
                    let stored = current?(form) ?? []
                    guard stored.count == items.count else {
                        return decoding.add(.createOnly, path, "cannot be changed")
                    }
                    for (index, item) in items.enumerated() where !decoding.isFull {
                        description.compare(item, with: stored[index], "\(path).\(index).", &decoding)
                    }
                    return
                }
                var taken: [InnerForm] = []
                var itemDecoding = decoding.asCreate()
                for (index, item) in items.enumerated() where !itemDecoding.isFull {
                    var inner = start()
                    description.decodeObject(item, into: &inner, "\(path).\(index).", &itemDecoding)
                    taken.append(inner)
                }
                decoding.takeFaults(of: itemDecoding)
                set(&form, taken)
            }
        }
        return Field(
            FieldFacts(
                name, .list(description.facts), mode, required: required, mark: mark, meaning: meaning),
            reading, writing)
    }

    /// A list of texts, sent back only. In XML each is an element named `item` with the text in its
    /// attribute `value`.
    public static func texts(
        _ name: String, mark: Mark = .vendor, item: String, meaning: String,
        get: @escaping @Sendable (Object) -> [String]?
    ) -> Field {
        let element = Array(item.utf8)
        return Field(
            FieldFacts(name, .texts, .readOnly, mark: mark, meaning: meaning),
            .container { object, names, place, writer in
                guard let texts = get(object) else { return }
                writer.appendField(texts: texts, item: element, names, place)
            }, nil)
    }
}

extension Sent {
    /// Whether it stands for nothing at all.
    var isNull: Bool {
        switch self {
        case .typed(.null): true
        case .plain(.text(let text)): text.isEmpty
        default: false
        }
    }

    /// The items of a list; nil when it is none, which is noted.
    func items(named element: String, _ path: String, _ decoding: inout Decoding) -> [Sent]? {
        switch self {
        case .typed(.list(let items)): return items.map(Sent.typed)
        case .plain(.list(let items)): return items.map(Sent.plain)
        case .element(let wrapper):
            for attribute in wrapper.attributes {
                decoding.addUnknown(attribute.name, in: path + ".", known: [], what: "field")
            }
            for child in wrapper.children where !Shown.isSame(element, child.name) {
                decoding.addUnknown(child.name, in: path + ".", known: [element], what: "element")
            }
            return wrapper.children.filter { Shown.isSame(element, $0.name) }.map(Sent.element)
        default:
            decoding.add(.wrongForm, path, "must be a list")
            return nil
        }
    }
}

extension Decoding {
    /// The same collection of faults for an item that did not exist before.
    func asCreate() -> Decoding {
        var other = Decoding(purpose: .create)
        other.takeFaults(of: self)
        return other
    }

    /// Continues with the faults that `other`, made from this, has collected.
    mutating func takeFaults(of other: Decoding) {
        faults = other.faults
    }
}

extension ObjectDescription {
    /// Tests that a nested object that cannot be changed was sent as it is stored: every field that is not
    /// read-only must equal what would be sent back of it.
    func compare(_ sent: Sent, with stored: Object, _ path: String, _ decoding: inout Decoding) {
        guard let pieces = pieces(of: sent) else {
            return decoding.add(.wrongForm, String(path.dropLast()), "must be an object")
        }
        var seen = SeenFields()
        for (name, piece) in pieces {
            guard let index = index(of: name, after: seen.last) else {
                decoding.addUnknown(
                    name, in: path, known: facts.fields.lazy.map(\.name), what: "field of \(facts.name)")
                continue
            }
            let field = fields[index]
            guard seen.insert(index) else {
                decoding.add(.repeatedField, path + field.facts.name, "is given twice")
                continue
            }
            if field.facts.mode == .readOnly || piece.isNull && field.reading == nil { continue }
            switch (field.facts.type.convert(piece), field.reading) {
            case (.wrong(let sentence), _) where !field.facts.type.isContainer:
                decoding.add(.wrongForm, path + field.facts.name, sentence)
            case (.null, .scalar(let get)):
                if get(stored) != nil {
                    decoding.add(.createOnly, path + field.facts.name, "cannot be changed")
                }
            case (.scalar(let scalar), .scalar(let get)) where Scalar.same(scalar, get(stored)): break
            default: decoding.add(.createOnly, path + field.facts.name, "cannot be changed")
            }
        }
    }

    /// The named pieces of an object; nil when it is none.
    private func pieces(of sent: Sent) -> [(name: String, piece: Sent)]? {
        switch sent {
        case .typed(.object(let members)): return members.map { ($0.name, .typed($0.value)) }
        case .plain(.object(let members)): return members.map { ($0.name, .plain($0.value)) }
        case .element(let element):
            return element.attributes.map { ($0.name, .plain(.text($0.value))) }
                + element.children.map { child in
                    let field = facts.fields.first {
                        $0.type.isContainer && Shown.isSame($0.elementName, child.name)
                    }
                    return (field?.name ?? child.name, .element(child))
                }
        case .typed, .plain: return nil
        }
    }
}
