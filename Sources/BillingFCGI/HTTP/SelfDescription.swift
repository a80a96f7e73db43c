import Domain
import Interchange
import Persistence

/// All that the program knows of its interface, as one document: what the documentation and OpenAPI are made from.
enum SelfDescription {
    /// Version, base, formats, marks, headers, actions, objects, enumerations, failure codes, schema.
    static var document: Value {
        let objects = allObjects
        return .object([
            .init("version", .text(Version.current)), .init("base", .text("/api/v01")),
            .init("formats", .list(Format.allCases.map(format))),
            .init("headers", .list(HeaderFacts.all.map(header))),
            .init("actions", .list(Route.table.map(action))),
            .init("objects", .list(objects.map(object))),
            .init("enumerations", .list(enumerations(of: objects))),
            .init(
                "failures",
                .object([
                    .init("families", pairs(FailureCode.families.map { ($0.letter, $0.meaning) })),
                    .init("codes", .list(FailureCode.allCases.map(failure))),
                ])),
            .init("migrations", .list(Storage.migrations.map { .text($0) })),
        ])
    }

    private static func pairs(_ pairs: [(String, String)]) -> Value {
        .list(pairs.map { .object([.init("code", .text($0.0)), .init("meaning", .text($0.1))]) })
    }

    private static func format(_ format: Format) -> Value {
        .object([
            .init("name", .text(format.rawValue)), .init("contentType", .text(format.contentType)),
        ])
    }

    private static func header(_ facts: HeaderFacts) -> Value {
        .object([
            .init("name", .text(facts.name)), .init("direction", .text(facts.direction.rawValue)),
            .init("scope", .text(facts.scope.rawValue)), .init("meaning", .text(facts.meaning)),
            .init("example", .text(facts.example)),
        ])
    }

    private static func failure(_ code: FailureCode) -> Value {
        .object([
            .init("code", .text(code.rawValue)), .init("status", .integer(Int64(code.status))),
            .init("meaning", .text(code.meaning)),
        ])
    }

    // MARK: Actions

    private static func action(_ route: Route) -> Value {
        .object([
            .init("methods", .list(route.methods.map { .text($0.rawValue) })),
            .init("resource", .text(route.resource)), .init("action", .text(route.action)),
            .init("implicit", .boolean(route.isImplicit)), .init("privilege", .text(route.privilege)),
            .init("reading", .boolean(route.isReading)), .init("mark", .text(route.mark.rawValue)),
            .init("takesPassword", .boolean(route.takesPassword)),
            .init("givesText", .boolean(route.givesText)),
            .init("meaning", .text(route.meaning)),
            .init("items", .list(route.items.map { field($0, in: nil) })),
            .init("parameters", .list(route.parameters.facts.map { field($0, in: nil) })),
            .init("consumes", route.consumes.map { .text($0.name) } ?? .null),
            .init("returns", .text(route.returns.facts.name)),
            .init("result", Examples.result(of: route.action)),
            .init("isList", .boolean(route.returns.isList)), .init("status", .integer(Int64(route.status))),
            .init("failures", .list(route.failureCodes.map { .text($0.rawValue) })),
        ])
    }

    // MARK: Objects

    /// Every class that an action takes or gives, with those nested in it, in the order of the URL table; the exception last.
    private static var allObjects: [ObjectFacts] {
        var found: [ObjectFacts] = []
        func add(_ facts: ObjectFacts) {
            guard !found.contains(where: { $0.name == facts.name }) else { return }
            found.append(facts)
            for field in facts.fields {
                switch field.type {
                case .object(let inner), .list(let inner): add(inner)
                default: break
                }
            }
        }
        for route in Route.table {
            if let consumed = route.consumes { add(consumed) }
            add(route.returns.facts)
        }
        add(ExceptionDocument.description.facts)
        return found
    }

    private static func object(_ facts: ObjectFacts) -> Value {
        .object([
            .init("name", .text(facts.name)), .init("element", .text(facts.elementName)),
            .init("plural", .text(facts.plural)), .init("meaning", .text(facts.meaning)),
            .init("table", Storage.table(of: facts.name).map { .text($0) } ?? .null),
            .init("creation", Examples.creation(of: facts)), .init("change", Examples.change(of: facts)),
            .init("fields", .list(facts.fields.map { field($0, in: facts.name) })),
        ])
    }

    /// A field of a class, or a parameter.
    private static func field(_ facts: FieldFacts, in object: String?) -> Value {
        var members: [Value.Member] = [
            .init("name", .text(facts.name)), .init("type", type(facts.type)),
            .init("mode", .text(facts.mode.rawValue)), .init("mark", .text(facts.mark.rawValue)),
            .init("meaning", .text(facts.meaning)),
        ]
        switch facts.required {
        case .no: members.append(.init("required", .boolean(false)))
        case .always: members.append(.init("required", .boolean(true)))
        case .when(let condition):
            members += [.init("required", .boolean(false)), .init("requiredWhen", .text(condition))]
        }
        if let text = facts.defaultText { members.append(.init("default", .text(text))) }
        if facts.type.isContainer { members.append(.init("element", .text(facts.elementName))) }
        members.append(.init("example", Examples.value(of: facts, in: object)))
        if let object {
            members.append(.init("returned", .boolean(facts.isReturned)))
            let table = Storage.table(of: object) ?? ""
            members.append(
                .init(
                    "columns",
                    .list(
                        Storage.columns(of: facts.name, in: object).map {
                            .text($0.utf8.contains(UInt8(ascii: ".")) ? $0 : "\(table).\($0)")
                        })))
        }
        return .object(members)
    }

    private static func type(_ type: FieldType) -> Value {
        var members: [Value.Member] = [.init("name", .text(type.name))]
        func add(_ name: String, _ value: Value) { members.append(.init(name, value)) }
        switch type {
        case .integer(let range), .long(let range):
            add("kind", .text("integer"))
            add("minimum", .integer(range.lowerBound))
            add("maximum", .integer(range.upperBound))
        case .text(let maxLength, let form):
            add("kind", .text("text"))
            add("maxLength", .integer(Int64(maxLength)))
            if let form {
                add("rule", .text(form.sentence))
                if let pattern = form.pattern { add("pattern", .text(pattern)) }
            }
        case .enumeration(let facts):
            add("kind", .text("enumeration"))
            add("enumeration", .text(facts.name))
            add("codes", .list(facts.codes.map { .text($0.code) }))
        case .boolean: add("kind", .text("boolean"))
        case .date: add("kind", .text("date"))
        case .dateTime: add("kind", .text("dateTime"))
        case .reference: add("kind", .text("reference"))
        case .integerList(let range, let maxCount):
            add("kind", .text("integerList"))
            add("minimum", .integer(range.lowerBound))
            add("maximum", .integer(range.upperBound))
            add("maxCount", .integer(Int64(maxCount)))
        case .object(let facts):
            add("kind", .text("object"))
            add("object", .text(facts.name))
        case .list(let facts):
            add("kind", .text("list"))
            add("object", .text(facts.name))
        case .texts: add("kind", .text("texts"))
        }
        return .object(members)
    }

    // MARK: Enumerations

    /// Every enumeration that a field or parameter has, whole: fields may take a part of it. The response codes are among them
    /// although processors may send others.
    private static func enumerations(of objects: [ObjectFacts]) -> [Value] {
        var found: [EnumerationFacts] = []
        func add(_ facts: EnumerationFacts) {
            guard let index = found.firstIndex(where: { $0.name == facts.name }) else {
                found.append(facts)
                return
            }
            let known = found[index].codes
            if facts.codes.count > known.count { found[index] = facts }
        }
        func add(_ fields: [FieldFacts]) {
            for field in fields {
                if case .enumeration(let facts) = field.type { add(facts) }
            }
        }
        for object in objects { add(object.fields) }
        for route in Route.table { add(route.parameters.facts) }
        add(Enumerations.responseCode)
        return found.map { facts in
            .object([
                .init("name", .text(facts.name)),
                .init("codes", pairs(facts.codes.map { ($0.code, $0.meaning) })),
            ])
        }
    }
}

extension Route {
    /// The least privilege that the action asks for (spec 4.1).
    var privilege: String {
        (isReading ? ServiceUser.Privilege.readOnly : .full).rawValue
    }

    /// What stands in the path for `{…}`, as parameters for the documentation (spec 1: an id, or `*` and the caller's code).
    fileprivate var items: [FieldFacts] {
        segments.filter { $0.utf8.first == UInt8(ascii: "{") }.map { segment in
            let name = String(segment.dropFirst().dropLast())
            guard name.hasSuffix("-id") else {
                return FieldFacts(
                    name, .text(maxLength: 60, form: nil), .writable, required: .always,
                    meaning: "Name of the \(Route.words(name.dropLast(name.hasSuffix("-name") ? 5 : 0))).")
            }
            if name == "account-id" {
                return FieldFacts(
                    name, .integer(1...2_147_483_647), .writable, required: .always,
                    meaning: "Number of the merchant account.")
            }
            return FieldFacts(
                name, .reference, .writable, required: .always,
                meaning: "Number of the \(Route.words(name.dropLast(3))), or `*` and its code.")
        }
    }

    private static func words(_ dashed: some StringProtocol) -> String {
        dashed.split(separator: "-").joined(separator: " ")
    }
}

extension Returned {
    /// Whether it is a part of a list.
    var isList: Bool {
        if case .many = self { true } else { false }
    }
}
