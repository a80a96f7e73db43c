"""Seals card numbers as `Sources/Vault` does, by libsodium: for filling books by the thousand."""

import ctypes
import ctypes.util
import os
import struct

NONCE, TAG, KEY = 24, 16, 32


class Vault:
    """A merchant account's data key, new, wrapped by the master key of a stack."""

    def __init__(self, path, account):
        self.sodium = ctypes.CDLL(ctypes.util.find_library("sodium") or "libsodium.so.23")
        if self.sodium.sodium_init() < 0:
            raise RuntimeError("libsodium could not be initialised")
        self.account = account
        version, master = self.master(path)
        data = os.urandom(KEY)
        context = struct.pack(">qqH", account, 1, version)
        self.wrapped = struct.pack(">HH", version, 1) + self.encrypt(data, self.derive(master, b"wrapkeys"), context)
        self.sealing, self.fingerprinting = self.derive(data, b"sealnumb"), self.derive(data, b"fngrprnt")

    @staticmethod
    def master(path):
        """The newest version in the key file, and its bytes."""
        with open(path, encoding="ascii") as file:
            words = [line.split() for line in file if line.strip() and not line.startswith("#")][-1]
        return int(words[1][1:]), bytes.fromhex(words[2])

    def derive(self, key, context):
        """A sub-key for one purpose."""
        made = ctypes.create_string_buffer(KEY)
        self.sodium.crypto_kdf_derive_from_key(made, ctypes.c_size_t(KEY), ctypes.c_uint64(1), context, key)
        return made.raw

    def encrypt(self, plain, key, context):
        """nonce ‖ ciphertext ‖ tag."""
        nonce = os.urandom(NONCE)
        made = ctypes.create_string_buffer(len(plain) + TAG)
        self.sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(
            made, None, plain, ctypes.c_uint64(len(plain)), context, ctypes.c_uint64(len(context)), None, nonce, key)
        return nonce + made.raw

    def fingerprint(self, number):
        """The keyed hash by which a number is found again."""
        made = ctypes.create_string_buffer(32)
        self.sodium.crypto_generichash(made, ctypes.c_size_t(32), number, ctypes.c_uint64(len(number)),
                                       self.fingerprinting, ctypes.c_size_t(KEY))
        return made.raw

    def line(self, option, numbers):
        """A row of vault_entries for COPY: the number with its accessory, `4111…/0130`."""
        plain = numbers.encode()
        context = struct.pack(">qqH", self.account, option, 1)
        sealed = b"\0\1" + self.encrypt(plain, self.sealing, context)
        found = self.fingerprint(plain.split(b"/", 1)[0])
        return f"{self.account}\t{option}\t\\\\x{sealed.hex()}\t\\\\x{found.hex()}\n"
