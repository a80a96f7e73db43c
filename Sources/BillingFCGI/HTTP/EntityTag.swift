import Domain
import Interchange
import Pool
import Vault

/// The `ETag` of an item: strong, a hash over the bytes of its document.
///
/// So it changes with whatever the document shows, a customer's balance and nested lists included, and differs between the
/// formats.
struct EntityTag: Equatable {
    /// With its quotes, as in the header.
    let text: String

    /// The tag of a document.
    init(of document: [UInt8]) {
        let tag = Digest.tag(of: document)
        text = String(unsafeUninitializedCapacity: 2 + 2 * tag.count) { text in
            var end = 0
            func put(_ byte: UInt8) {
                text[end] = byte
                end += 1
            }
            put(UInt8(ascii: "\""))
            for byte in tag {
                put(EntityTag.digit(byte >> 4))
                put(EntityTag.digit(byte & 15))
            }
            put(UInt8(ascii: "\""))
            return end
        }
    }

    private static func digit(_ half: UInt8) -> UInt8 { half < 10 ? 48 + half : 87 + half }

    /// Whether `If-Match` lets a change happen: `*`, or this tag among others. A weak one (`W/"…"`) never does (RFC 9110).
    static func matches(_ header: String, _ tags: [EntityTag]) -> Bool {
        header.utf8.split(separator: UInt8(ascii: ",")).contains { part in
            let sent = String(Substring(part)).trimmed
            return sent == "*" || tags.contains { $0.text == sent }
        }
    }
}

extension String {
    /// Without blanks and tabs around it.
    fileprivate var trimmed: String {
        let bytes = utf8.drop { $0 == 32 || $0 == 9 }
        let end = bytes.lastIndex { $0 != 32 && $0 != 9 }
        return end.map { String(Substring(bytes[...$0])) } ?? ""
    }
}

extension Call {
    /// Refuses a change where the caller's `If-Match` names another state of the object than this one (V37, status 412).
    ///
    /// To be called inside the writing transaction, once the object is locked: then nothing can come in between.
    ///
    /// - Parameter present: the object as ~load answers it. Its tag in any of the formats will do: what was loaded in one may be
    ///   changed in another.
    func checkPrecondition(_ present: @autoclosure () throws -> Answer) throws {
        guard let header = request.ifMatch else { return }
        let present = try present()
        let tags = Format.allCases.map { EntityTag(of: present.asFirst(in: $0).body) }
        guard EntityTag.matches(header, tags) else {
            throw Refusal(
                .preconditionFailed,
                "the object has changed since the ETag in If-Match was given: load it again")
        }
    }
}
