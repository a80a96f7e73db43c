/// What is prepared on one connection.
///
/// A statement is prepared with the types of the parameters of its first call. A later call whose parameters do
/// not fit those (after a bare null, or where `prepare` found that the SQL wants another type) gets a second form
/// under a name of its own, so no value is ever read by the server as another type.
struct PreparedStatements {
    /// One prepared form of a statement.
    final class Form {
        /// The server's name of it.
        let name: String
        /// The same as C takes it: not to be made anew for each call.
        let nameInC: [CChar]
        let statement: Statement
        /// The types its parameters were declared with, or the server inferred.
        var types: [TypeID]

        init(name: String, statement: Statement, types: [TypeID]) {
            self.name = name
            nameInC = Array(name.utf8CString)
            self.statement = statement
            self.types = types
        }

        func takes(_ parameters: [Parameter]) -> Bool {
            guard parameters.count == types.count else { return false }
            for index in parameters.indices where !parameters[index].fits(types[index]) { return false }
            return true
        }
    }

    private var forms: [String: [Form]] = [:]
    /// Names that the server knows, or may know, and that no new form can have.
    private var taken: Set<String> = []
    private var suffix = 1

    /// The form of `statement` that takes these parameters; nil when it has to be prepared.
    func form(of statement: Statement, taking parameters: [Parameter]) -> Form? {
        guard let known = forms[statement.name] else { return nil }
        for form in known where form.takes(parameters) {
            precondition(form.statement.sql == statement.sql, "two statements share a name")
            return form
        }
        return nil
    }

    /// Whether the statement is prepared in any form.
    func has(_ statement: Statement) -> Bool { forms[statement.name] != nil }

    /// Notes a form that is on its way to the server. The first has the statement's own name.
    mutating func add(_ statement: Statement, types: [TypeID]) -> Form {
        var name = statement.name
        if taken.contains(name) {
            suffix += 1
            name += "#\(suffix)"
        }
        taken.insert(name)
        let form = Form(name: name, statement: statement, types: types)
        forms[statement.name, default: []].append(form)
        return form
    }

    /// Forgets a form that never reached the server: its name is free.
    mutating func forget(_ form: Form) {
        retire(form)
        taken.remove(form.name)
    }

    /// Forgets a form that the server has but can no longer run: its name stays taken.
    mutating func retire(_ form: Form) {
        let rest = forms[form.statement.name, default: []].filter { $0 !== form }
        forms[form.statement.name] = rest.isEmpty ? nil : rest
    }
}
