import CLinux
import Glibc

/// Becoming an ordinary user, for good.
public enum Privileges {
    /// Gives root up for `user`, its group and its other groups, and makes sure there is no way back.
    ///
    /// Does nothing when this process is not root. Root without a user to become is refused.
    public static func drop(to user: String?) throws(PoolFailure) {
        guard geteuid() == 0 else { return }
        guard let user else {
            throw PoolFailure("Workers must not run as root: set BILLING_RUN_USER to an unprivileged user.")
        }
        guard let entry = getpwnam(user) else {
            throw PoolFailure("BILLING_RUN_USER names \(user), which is no user of this machine.")
        }
        let (uid, gid) = (entry.pointee.pw_uid, entry.pointee.pw_gid)
        guard uid != 0, gid != 0 else {
            throw PoolFailure("BILLING_RUN_USER names \(user), which has root's rights: choose another user.")
        }
        guard initgroups(user, gid) == 0, setresgid(gid, gid, gid) == 0, setresuid(uid, uid, uid) == 0 else {
            throw .system("Root's rights cannot be given up for \(user)")
        }
        guard setuid(0) != 0, getuid() == uid, geteuid() == uid, getgid() == gid, getegid() == gid else {
            throw PoolFailure("Root's rights came back after they were given up.")
        }
    }
}
