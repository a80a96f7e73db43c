/// One field of an object: what is documented of it, how it is sent back and how it is taken.
///
/// A class, so that going through the fields of an answer copies one reference each and not a dozen.
///
/// Made by the functions of `Field` that are named after its type. `Form` is what a caller may send,
/// `Object` what is sent back.
public final class Field<Form, Object>: Sendable {
    /// What is documented.
    public let facts: FieldFacts
    let names: FieldNames
    let reading: Reading<Object>?
    let writing: Writing<Form>?

    init(_ facts: FieldFacts, _ reading: Reading<Object>?, _ writing: Writing<Form>?) {
        precondition(
            facts.mode == .readOnly ? reading != nil && writing == nil : writing != nil,
            "\(facts.name): a read-only field needs get and no set, another one set")
        var facts = facts
        facts.isReturned = reading != nil
        self.facts = facts
        self.names = FieldNames(facts)
        self.reading = reading
        self.writing = writing
    }
}

/// How a field is sent back.
enum Reading<Object>: Sendable {
    /// Its value; nil leaves the field out.
    case scalar(@Sendable (Object) -> Scalar?)
    /// Writes an object or a list under the field's name, or nothing when there is none.
    case container(@Sendable (Object, FieldNames, Place, inout ByteWriter) -> Void)
}

/// How a field is taken.
enum Writing<Form>: Sendable {
    /// Puts the checked value into the form; nil clears. `current` is what the form holds before ~modify; `claimed` takes a
    /// create-only value that is another one on its face, where only the action can tell whether it is the same.
    case scalar(
        assign: @Sendable (inout Form, Scalar?) -> Void, current: (@Sendable (Form) -> Scalar?)?,
        claimed: (@Sendable (inout Form, Scalar) -> Void)?)
    /// Decodes an object or a list found at `path`.
    case container(@Sendable (Sent, inout Form, _ path: String, inout Decoding) -> Void)
}

/// A field's name as it stands in each format, ready to be copied into an answer.
struct FieldNames: Sendable {
    /// `,"firstName":`
    let json: FixedBytes
    /// ` firstName="`
    let attribute: FixedBytes
    /// `payment-options`
    let element: [UInt8]
    /// `firstName=`
    let form: FixedBytes
    /// `paymentOptions.`
    let formPath: [UInt8]

    init(_ facts: FieldFacts) {
        json = FixedBytes(",\"\(facts.name)\":")
        attribute = FixedBytes(" \(facts.name)=\"")
        element = Array(facts.elementName.utf8)
        form = FixedBytes("\(facts.name)=")
        formPath = Array("\(facts.name).".utf8)
    }
}

/// Where in an answer something is written: the format and, in xurl, the names around it
/// (`paymentOptions.0.`).
struct Place {
    let format: Format
    let prefix: [UInt8]
}
