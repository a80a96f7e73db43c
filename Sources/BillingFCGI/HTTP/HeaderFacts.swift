/// All that is documented of one header of the interface (spec 4).
struct HeaderFacts: Sendable {
    /// The header's name.
    let name: String
    /// Who sends it.
    let direction: Direction
    /// With which actions it comes.
    let scope: Scope
    /// One sentence for the documentation.
    let meaning: String
    /// A value as it is sent.
    let example: String

    enum Direction: String, Sendable {
        case request
        case answer
    }

    /// The actions, or their answers, that a header belongs to.
    enum Scope: String, Sendable {
        /// All of them.
        case all
        /// Those whose answer is a part of a list.
        case lists
        /// Those that answer 201.
        case created
        /// PUT and POST.
        case writing
        /// Answers that show one object under its own address: of ~load, and of the actions that change it.
        case items
        /// Those that change one item: ~modify, ~delete, ~cancel, ~freeze, ~pause, ~resume.
        case modifying
        /// 401.
        case unauthenticated
        /// 429 and 503.
        case later
        /// 405.
        case methods
    }

    /// Every header, in the order of the documentation.
    static let all = [
        HeaderFacts(
            name: "Accept", direction: .request, scope: .all,
            meaning:
                "The formats wanted of the answer, with q-values; without it the format of the body, else json.",
            example: "application/json"),
        HeaderFacts(
            name: "X-Request-Id", direction: .request, scope: .all,
            meaning:
                "Your own id of the request, 1 to 128 printable characters; it comes back and stands in the log.",
            example: "order-4711"),
        HeaderFacts(
            name: "Idempotency-Key", direction: .request, scope: .writing,
            meaning:
                "1 to 255 printable characters: the same request under the same key is carried out once.",
            example: "b3f1c9de-signup-1001"),
        HeaderFacts(
            name: "If-Match", direction: .request, scope: .modifying,
            meaning: "The ETag of the object as you know it; 412 when it has changed since.",
            example: "\"5d41402abc4b2a76\""),
        HeaderFacts(
            name: "X-Request-Id", direction: .answer, scope: .all,
            meaning: "The id of the request: yours, or one made here.", example: "order-4711"),
        HeaderFacts(
            name: "Location", direction: .answer, scope: .created,
            meaning: "The address of what was created.", example: "/api/v01/customers/210001"),
        HeaderFacts(
            name: "ETag", direction: .answer, scope: .items,
            meaning: "Stands for the object as it is shown; for If-Match.", example: "\"5d41402abc4b2a76\""),
        HeaderFacts(
            name: "X-Offset", direction: .answer, scope: .lists,
            meaning: "The index of the first object of this part.", example: "0"),
        HeaderFacts(
            name: "X-Limit", direction: .answer, scope: .lists,
            meaning: "How many objects this part may have.", example: "100"),
        HeaderFacts(
            name: "X-Has-More", direction: .answer, scope: .lists,
            meaning: "Whether the list goes on after this part.", example: "true"),
        HeaderFacts(
            name: "Link", direction: .answer, scope: .lists,
            meaning:
                "The addresses of the next and the previous part, with `rel=\"next\"` and `rel=\"prev\"`.",
            example: "</api/v01/customers?offset=100&limit=100&after=210100>; rel=\"next\""),
        HeaderFacts(
            name: "Idempotent-Replay", direction: .answer, scope: .writing,
            meaning: "`true` when this is the first answer again.", example: "true"),
        HeaderFacts(
            name: "WWW-Authenticate", direction: .answer, scope: .unauthenticated,
            meaning: "How to authenticate.", example: "Basic realm=\"billing\", charset=\"UTF-8\""),
        HeaderFacts(
            name: "Retry-After", direction: .answer, scope: .later,
            meaning: "Seconds to wait before the next try.", example: "1"),
        HeaderFacts(
            name: "Allow", direction: .answer, scope: .methods,
            meaning: "The methods that the resource answers to.", example: "PUT, GET"),
    ]
}
