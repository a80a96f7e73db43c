import Foundation
import TestSupport
import Testing

/// The conversations in the folder Conversations, each with a merchant account of its own: use cases that must work
/// exactly as documented (spec 7).
@Suite(.enabled(if: programIsKnown, "needs BILLING_BINARY"))
struct ConversationTests {
    private static let folder = "\(packageFolder)/Tests/EndToEndTests/Conversations"

    static let files: [String] = {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasSuffix(".txt") }.sorted()
    }()

    @Test func thereAreConversations() {
        #expect(Self.files.count >= 7)
    }

    @Test(arguments: files)
    func conversation(file: String) throws {
        let text = try #require(readText("\(Self.folder)/\(file)"))
        let conversation = try Conversation(text)
        let merchant = try Merchant(clock: conversation.clock)
        let differences = try conversation.run(as: merchant)
        #expect(differences.isEmpty, "\(file): \(differences.joined(separator: "\n"))")
        try merchant.expectSoundBooks()
    }
}
