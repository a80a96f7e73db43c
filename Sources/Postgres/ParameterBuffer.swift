/// Room in which the parameters of one statement are laid out in PostgreSQL's binary form; used over and over.
struct ParameterBuffer: ~Copyable {
    /// More than this is given back after use: a billing run must not leave its batches in memory.
    private static let keptBytes = 1 << 20

    private var bytes: UnsafeMutableRawPointer
    private var capacity = 4096
    private var used = 0
    /// Where each value begins; −1 for null.
    private var offsets: [Int] = []
    private var lengths: [Int32] = []
    private var pointers: [UnsafePointer<CChar>?] = []
    private var formats: [Int32] = []

    init() { bytes = .allocate(byteCount: 4096, alignment: 16) }

    deinit { bytes.deallocate() }

    /// Lays the parameters out and hands over what `PQsendQueryPrepared` takes: values, lengths, formats.
    mutating func encode<Answer>(
        _ parameters: [Parameter],
        _ body: (
            UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int32>?, UnsafePointer<Int32>?
        ) -> Answer
    ) -> Answer {
        used = 0
        offsets.removeAll(keepingCapacity: true)
        lengths.removeAll(keepingCapacity: true)
        pointers.removeAll(keepingCapacity: true)
        while formats.count < parameters.count { formats.append(1) }
        for parameter in parameters {
            let start = used
            if write(parameter.value) {
                offsets.append(start)
                lengths.append(Int32(used - start))
            } else {
                offsets.append(-1)
                lengths.append(0)
            }
        }
        let base = UnsafePointer(bytes.assumingMemoryBound(to: CChar.self))
        for offset in offsets { pointers.append(offset < 0 ? nil : base + offset) }
        let answer = pointers.withUnsafeBufferPointer { values in
            lengths.withUnsafeBufferPointer { lengths in
                formats.withUnsafeBufferPointer { formats in
                    body(values.baseAddress, lengths.baseAddress, formats.baseAddress)
                }
            }
        }
        if capacity > Self.keptBytes {
            bytes.deallocate()
            capacity = 4096
            bytes = .allocate(byteCount: capacity, alignment: 16)
        }
        return answer
    }

    /// Writes one value; false for null.
    private mutating func write(_ value: Parameter.Value) -> Bool {
        switch value {
        case .null: return false
        case .bool(let value): put(value ? 1 : 0 as UInt8)
        case .int16(let value): put(value)
        case .int32(let value): put(value)
        case .int(let value): put(value)
        case .text(let value): putText(value)
        case .bytes(let value): putBytes(value)
        case .date(let days): put(Epoch.serverDays(days))
        case .timestamp(let microseconds): put(Epoch.serverMicroseconds(microseconds))
        case .bools(let values): putArray(values, .bool) { $0.put($1 ? 1 : 0 as UInt8) }
        case .int16s(let values): putArray(values, .int2) { $0.put($1) }
        case .int32s(let values): putArray(values, .int4) { $0.put($1) }
        case .ints(let values): putArray(values, .int8) { $0.put($1) }
        case .texts(let values): putArray(values, .text) { $0.putText($1) }
        case .dates(let values): putArray(values, .date) { $0.put(Epoch.serverDays($1)) }
        case .timestamps(let values):
            putArray(values, .timestamptz) { $0.put(Epoch.serverMicroseconds($1)) }
        case .optionalBools(let values): putOptionals(values, .bool) { $0.put($1 ? 1 : 0 as UInt8) }
        case .optionalInt32s(let values): putOptionals(values, .int4) { $0.put($1) }
        case .optionalInts(let values): putOptionals(values, .int8) { $0.put($1) }
        case .optionalTexts(let values): putOptionals(values, .text) { $0.putText($1) }
        case .optionalDates(let values): putOptionals(values, .date) { $0.put(Epoch.serverDays($1)) }
        case .optionalTimestamps(let values):
            putOptionals(values, .timestamptz) { $0.put(Epoch.serverMicroseconds($1)) }
        case .optionalBytes(let values): putOptionals(values, .bytea) { $0.putBytes($1) }
        }
        return true
    }

    @inline(__always)
    private mutating func put<Number: FixedWidthInteger>(_ value: Number) {
        let width = MemoryLayout<Number>.size
        reserve(width)
        (bytes + used).storeBytes(of: value.bigEndian, as: Number.self)
        used += width
    }

    private mutating func putText(_ value: String) {
        var value = value
        value.withUTF8 { copy(UnsafeRawBufferPointer($0)) }
    }

    private mutating func putBytes(_ value: [UInt8]) {
        value.withUnsafeBytes { copy($0) }
    }

    private mutating func copy(_ source: UnsafeRawBufferPointer) {
        guard let start = source.baseAddress, source.count > 0 else { return }
        reserve(source.count)
        (bytes + used).copyMemory(from: start, byteCount: source.count)
        used += source.count
    }

    /// The array's header: dimensions, whether there are nulls, element type, length, lower bound. An empty array
    /// has no dimension.
    private mutating func putArrayHeader(count: Int, hasNulls: Bool, _ element: TypeID) {
        put(count == 0 ? 0 : 1 as Int32)
        put(hasNulls ? 1 : 0 as Int32)
        put(element.rawValue)
        guard count > 0 else { return }
        put(Int32(count))
        put(1 as Int32)
    }

    @inline(__always)
    private mutating func putArray<Element>(
        _ values: [Element], _ type: TypeID, _ putElement: (inout ParameterBuffer, Element) -> Void
    ) {
        putArrayHeader(count: values.count, hasNulls: false, type)
        for value in values { putCounted(value, putElement) }
    }

    @inline(__always)
    private mutating func putOptionals<Element>(
        _ values: [Element?], _ type: TypeID, _ putElement: (inout ParameterBuffer, Element) -> Void
    ) {
        putArrayHeader(count: values.count, hasNulls: values.contains { $0 == nil }, type)
        for value in values {
            if let value { putCounted(value, putElement) } else { put(-1 as Int32) }
        }
    }

    /// One element behind its length.
    @inline(__always)
    private mutating func putCounted<Element>(
        _ value: Element, _ putElement: (inout ParameterBuffer, Element) -> Void
    ) {
        let lengthAt = used
        put(0 as Int32)
        putElement(&self, value)
        (bytes + lengthAt).storeBytes(of: Int32(used - lengthAt - 4).bigEndian, as: Int32.self)
    }

    @inline(__always)
    private mutating func reserve(_ count: Int) {
        if used + count > capacity { grow(to: used + count) }
    }

    private mutating func grow(to needed: Int) {
        capacity = max(needed, capacity * 2)
        let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
        larger.copyMemory(from: bytes, byteCount: used)
        bytes.deallocate()
        bytes = larger
    }
}
