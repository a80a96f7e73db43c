import ArgumentParser
import Domain
import Interchange

/// Fields of a merchant account as an operator types them: `lateFeeAmount=500` (spec 2.11).
struct AccountFields {
    private var pairs: [(name: String, value: String)] = []

    /// A field under its name; nil adds nothing.
    mutating func add(_ name: String, _ value: String?) {
        if let value { pairs.append((name, value)) }
    }

    /// Fields of the form `name=value`; anything else is wrong usage.
    mutating func add(assignments: [String]) throws {
        for text in assignments {
            guard let equals = text.firstIndex(of: "="), equals > text.startIndex else {
                throw ValidationError("'\(text)' is not of the form field=value.")
            }
            pairs.append((String(text[..<equals]), String(text[text.index(after: equals)...])))
        }
    }

    /// Puts the fields into an account, all of them or none.
    ///
    /// - Parameter zones: the time zones there are; asked for where a new account's is among the fields.
    /// - Throws: `Refusal` with every fault: unknown fields with the one that was probably meant, wrong forms, values out
    ///   of range.
    func apply(to account: inout MerchantAccount, purpose: Purpose, zones: () throws -> [String]) throws {
        let description = Descriptions.merchantAccount
        if pairs.contains(where: { $0.name == "id" }) {
            throw Refusal(.createOnly, "id cannot be set", field: "id")
        }
        let query = pairs.map { Self.escaped($0.name) + [61] + Self.escaped($0.value) }.joined(separator: [38]
        )
        try description.decode(Body(query: Array(query)), into: &account, purpose: purpose)
        guard purpose == .create else { return }
        guard Services.processorNames.contains(account.processor) else {
            throw Refusal([ModifyMerchantAccount.noProcessor(among: Services.processorNames)])
        }
        guard pairs.contains(where: { $0.name == "timeZone" }) else { return }
        let zones = try zones()
        guard zones.contains(account.timeZone) else {
            throw Refusal([
                ModifyMerchantAccount.noZone(
                    account.timeZone, NearMiss.of(account.timeZone, among: zones))
            ])
        }
    }

    private static func escaped(_ text: String) -> [UInt8] {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case 48...57, 65...90, 97...122: bytes.append(byte)
            default: bytes += [37, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return bytes
    }
}

extension MerchantAccount {
    /// The account as the interface shows it, read back from its json.
    var document: Value {
        var writer = ByteWriter()
        Descriptions.merchantAccount.encode(self, as: .json, into: &writer)
        guard let body = try? Body(reading: writer.bytes, as: .json), case .value(let value) = body.content
        else {
            preconditionFailure("an encoded account cannot be read")
        }
        return value
    }
}
