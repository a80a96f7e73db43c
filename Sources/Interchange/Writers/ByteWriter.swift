public import Domain

/// A growing buffer that answers are written into; kept between requests so that it is allocated once.
public struct ByteWriter: ~Copyable {
    private var base: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    /// Bytes written so far.
    public private(set) var count = 0

    /// An empty writer with room for this many bytes.
    public init(capacity: Int = 4096) {
        self.capacity = max(64, capacity)
        base = .allocate(capacity: self.capacity)
    }

    deinit { base.deallocate() }

    /// Forgets what was written and keeps the room.
    public mutating func removeAll() { count = 0 }

    /// A copy of what was written.
    public var bytes: [UInt8] { Array(UnsafeBufferPointer(start: base, count: count)) }

    /// Lends what was written, without a copy.
    public borrowing func withBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeRawBufferPointer(start: base, count: count))
    }

    /// Appends one byte.
    public mutating func append(_ byte: UInt8) {
        reserve(1)
        base[count] = byte
        count += 1
    }

    /// Appends bytes as they are.
    public mutating func append(_ bytes: [UInt8]) {
        reserve(bytes.count)
        bytes.withUnsafeBufferPointer { source in
            if let start = source.baseAddress { (base + count).update(from: start, count: source.count) }
        }
        count += bytes.count
    }

    /// Appends bytes as they are.
    mutating func append(_ bytes: FixedBytes) {
        reserve(bytes.count)
        (base + count).update(from: bytes.start, count: bytes.count)
        count += bytes.count
    }

    /// Appends a literal as it is.
    public mutating func append(_ literal: StaticString) {
        reserve(literal.utf8CodeUnitCount)
        (base + count).update(from: literal.utf8Start, count: literal.utf8CodeUnitCount)
        count += literal.utf8CodeUnitCount
    }

    /// Appends a number in decimal digits.
    public mutating func append(_ number: Int64) {
        reserve(20)
        var rest = number.magnitude
        if number < 0 {
            base[count] = UInt8(ascii: "-")
            count += 1
        }
        var digits = 1
        var power: UInt64 = 10
        while digits < 19, rest >= power {
            digits += 1
            power *= 10
        }
        var position = count + digits
        for _ in 0..<digits {
            position -= 1
            base[position] = UInt8(truncatingIfNeeded: 48 + rest % 10)
            rest /= 10
        }
        count += digits
    }

    /// Appends `yyyy-MM-dd`.
    public mutating func append(_ date: CalendarDate) {
        reserve(10)
        let (year, month, day) = date.components
        putTwo(year / 100)
        putTwo(year % 100)
        put(UInt8(ascii: "-"))
        putTwo(month)
        put(UInt8(ascii: "-"))
        putTwo(day)
    }

    /// Appends `yyyy-MM-dd`, the separator, `HH:mm:ss`.
    mutating func append(_ moment: LocalDateTime, separator: UInt8, colon: StaticString) {
        append(moment.date)
        reserve(16)
        let second = Int(moment.secondOfDay)
        put(separator)
        putTwo(second / 3600)
        append(colon)
        putTwo(second / 60 % 60)
        append(colon)
        putTwo(second % 60)
    }

    /// Makes room for this many further bytes.
    mutating func reserve(_ extra: Int) {
        if capacity - count < extra { grow(extra) }
    }

    /// Where the next byte goes, for loops that write into reserved room; `advance(to:)` ends them.
    var tip: UnsafeMutablePointer<UInt8> { base + count }

    /// Takes what was written from `tip` up to here as part of the content.
    mutating func advance(to end: UnsafeMutablePointer<UInt8>) {
        count = end - base
        assert(count <= capacity)
    }

    private mutating func put(_ byte: UInt8) {
        base[count] = byte
        count += 1
    }

    private mutating func putTwo(_ number: Int) {
        base[count] = UInt8(truncatingIfNeeded: 48 + number / 10)
        base[count + 1] = UInt8(truncatingIfNeeded: 48 + number % 10)
        count += 2
    }

    /// Puts another byte where one was written.
    mutating func replace(at index: Int, with byte: UInt8) {
        precondition(index >= 0 && index < count)
        base[index] = byte
    }

    /// Takes the last byte back.
    mutating func removeLast() {
        precondition(count > 0)
        count -= 1
    }

    private mutating func grow(_ extra: Int) {
        let larger = max(capacity * 2, count + extra)
        let moved = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
        moved.update(from: base, count: count)
        base.deallocate()
        base = moved
        capacity = larger
    }
}

/// Bytes made once that stay as long as the program runs, as descriptions do: every field of an answer copies its name, and
/// counts no reference for that.
struct FixedBytes: @unchecked Sendable {
    let start: UnsafePointer<UInt8>
    let count: Int

    init(_ text: String) {
        count = text.utf8.count
        let bytes = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(1, count))
        _ = bytes.initialize(from: text.utf8)
        start = UnsafePointer(bytes.baseAddress!)
    }
}
