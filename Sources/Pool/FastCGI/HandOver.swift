import CLinux
import Glibc

/// The way of a kept connection from a worker that is about to be slow to one that is free.
///
/// A pair of sockets a pool: every worker holds both ends, and so does the master, so what is on its way outlives
/// whoever sent it. A connection goes as it is: bytes that nobody has read stay in it. One that no worker is free
/// to take waits in the pair.
struct HandOver {
    /// The end that connections are put into.
    let sender: Int32
    /// The end that they are taken from.
    let receiver: Int32

    /// The pair that a worker finds open when it starts.
    static let inherited = HandOver(
        sender: InheritedDescriptor.handOverSender, receiver: InheritedDescriptor.handOverReceiver)

    /// Room asked for; the system grants less, and still some hundred connections.
    private static let room: Int32 = 1 << 20

    /// Makes the pair of a pool: the master's.
    static func make() throws(PoolFailure) -> HandOver {
        let type = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, type, 0, &ends) == 0 else {
            throw .system("No sockets to hand connections over")
        }
        var room = Self.room
        setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &room, socklen_t(MemoryLayout<Int32>.size))
        return HandOver(sender: ends[0], receiver: ends[1])
    }

    /// Puts a connection into the pair; false when there is no room. The caller's descriptor stays open.
    func put(_ descriptor: Int32) -> Bool { send_descriptor(sender, descriptor) == 0 }

    /// Takes the connection that has waited longest; nil when none waits.
    func take() -> Int32? {
        let descriptor = receive_descriptor(receiver)
        return descriptor >= 0 ? descriptor : nil
    }
}

/// What connects a request in hand with the loop of its worker: the slot is made before the loop.
final class StandingAside {
    /// The loop, as soon as it is there.
    weak var loop: WorkerLoop?
}
