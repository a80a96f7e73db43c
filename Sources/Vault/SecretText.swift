import CSodium

/// A card number or security code in memory: wiped when released, and shown by nothing.
///
/// Printing, interpolating, dumping or reflecting it gives `•••`; it cannot be encoded, compared or hashed. A
/// security code lives in no other type (design/reliability: cards).
public final class SecretText {
    private let bytes: UnsafeMutableBufferPointer<UInt8>

    /// Copies the text into memory of its own.
    public init(_ text: String) {
        var text = text
        bytes = text.withUTF8 { source in
            let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: source.count)
            _ = copy.initialize(from: source)
            return copy
        }
    }

    /// Takes memory that `fill` writes completely; it must write UTF-8.
    init(count: Int, fill: (UnsafeMutableBufferPointer<UInt8>) -> Bool) throws(VaultFailure) {
        bytes = .allocate(capacity: count)
        bytes.initialize(repeating: 0)
        guard fill(bytes) else { throw .notAuthentic }
    }

    /// How many bytes of UTF-8 there are; for digits, how many digits.
    public var count: Int { bytes.count }

    /// Gives the text to `body` for as long as it runs. The string is an ordinary one: what keeps it keeps
    /// the secret.
    public func withString<Result, Failure>(
        _ body: (String) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(String(decoding: bytes, as: UTF8.self))
    }

    /// Gives the bytes to `body` for as long as it runs, without a copy.
    public func withBytes<Result, Failure>(
        _ body: (UnsafeBufferPointer<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeBufferPointer(bytes))
    }

    deinit {
        if let start = bytes.baseAddress { sodium_memzero(start, bytes.count) }
        bytes.deallocate()
    }
}

extension SecretText: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Always `•••`.
    public var description: String { "•••" }
    /// Always `•••`.
    public var debugDescription: String { "•••" }
    /// Without children.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
