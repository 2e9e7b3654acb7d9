// From a secret to a master key, and from a master key to a proof that it is the right one.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "salvage/core/result.hpp"
#include "salvage/core/secret.hpp"
#include "salvage/crypto/cipher.hpp"
#include "salvage/crypto/kdf_device.hpp"
#include "salvage/crypto/rsa.hpp"
#include "salvage/fde/footer.hpp"
#include "salvage/io/byte_source.hpp"

namespace salvage::fde {

/// What a user may hold of the phone's own secrets (Qualcomm BKMK), from outside.
struct PhoneKeys {
    SecretBytes encryption_key; ///< ENC_KEY
    SecretBytes hmac_key;       ///< HMAC_KEY
};

/// Whether a footer can be tried without the phone, and if not why.
enum class Offline : std::uint8_t {
    yes,             ///< password alone, or software keymaster blob
    needs_phone,     ///< keymaster blob only the phone's chip can use
    with_phone_keys, ///< BKMK: opens with ENC_KEY and HMAC_KEY
    unsupported,     ///< Samsung ODE, Qualcomm hardware FDE: not even a password on this machine helps
    key_in_clear,    ///< flag 0x1: no password at all
};
struct OfflineAnswer {
    Offline offline{Offline::yes};
    std::string reason; ///< one sentence with the proof
};
[[nodiscard]] OfflineAnswer can_open_offline(const CryptoFooter& footer);

/// One master key a secret may stand for: several where the footer's age leaves the unwrap open.
struct MasterKey {
    SecretBytes key;
    std::string how; ///< "pbkdf2, AES-128 unwrap", for the report; never a secret
    /// The SIK check, where the footer has one: tells whether the secret is the footer's password.
    std::optional<bool> sik_matches;
};

/// The keys of many secrets at once, derived on one device: what a search filters by.  One thread at a time.
///
/// It lets through every secret that Unlocker would, and tells less: no ways in words, and the default password's key
/// (flags 0x10 and 0x20) is not among the keys.
class BatchUnlocker {
public:
    BatchUnlocker() = default;
    BatchUnlocker(const BatchUnlocker&) = delete;
    BatchUnlocker& operator=(const BatchUnlocker&) = delete;
    virtual ~BatchUnlocker() = default;

    /// Secrets that are best given at once.
    [[nodiscard]] virtual std::size_t batch_size() const noexcept = 0;
    /// Derives for all `secrets`, which have to stay where they are; the other methods speak of these until the next
    /// call.  Errors: those of the device.
    [[nodiscard]] virtual Result<> load(std::span<const ByteView> secrets) = 0;
    /// Ways in which a secret may stand for a key: the footer's salts times the unwraps that are possible.
    [[nodiscard]] virtual std::size_t ways() const noexcept = 0;
    /// The key of a secret by one of the ways; false where it stands for none (an HMAC refuses, a keymaster could not
    /// have signed).  Requires: into has the footer's key_bytes.
    [[nodiscard]] virtual bool key(std::size_t secret, std::size_t way, std::span<std::byte> into) const = 0;
    /// For each secret whether the footer's own check value (SIK, HMAC) agrees; 0 for all where it has none.  With
    /// scrypt it costs as much as load().
    [[nodiscard]] virtual Result<std::vector<std::uint8_t>> check() = 0;
};

/// Derives master keys from secrets.  const, thread safe: a search calls it from every core.
class Unlocker {
public:
    Unlocker() = default;
    Unlocker(const Unlocker&) = delete;
    Unlocker& operator=(const Unlocker&) = delete;
    virtual ~Unlocker() = default;

    /// Master keys this secret may stand for.  `check_sik` costs one more scrypt where the footer has a SIK.
    /// Samsung EDK: empty where the HMAC says no.  kdf 4: empty where the phone could not have signed.
    /// Flags 0x10 and 0x20: the default password's key comes with every secret, because that is what wraps it; whether
    /// the secret is the user's, only `sik_matches` tells.  It is derived once.
    [[nodiscard]] virtual Result<std::vector<MasterKey>> master_keys(ByteView secret, bool check_sik) const = 0;
    /// Whether `secret` is the footer's own password by SIK or HMAC; nothing where the footer has neither.
    [[nodiscard]] virtual Result<std::optional<bool>> is_password(ByteView secret) const = 0;
    [[nodiscard]] virtual const CryptoFooter& footer() const noexcept = 0;
    /// Cost of the scrypt that derives a key; nothing where none does.
    [[nodiscard]] virtual std::optional<crypto::ScryptFactors> scrypt() const noexcept = 0;
    /// The same of the footer's own check value (SIK); nothing where it has none.
    [[nodiscard]] virtual std::optional<crypto::ScryptFactors> check_scrypt() const noexcept { return std::nullopt; }
    /// For searches.  `device` and this unlocker outlive it.  Null where no secret is needed (flag 0x1).
    [[nodiscard]] virtual std::unique_ptr<BatchUnlocker> make_batch(crypto::KdfDevice& device) const = 0;
};
/// Errors: needs_phone_key, unsupported: as can_open_offline says; malformed (software blob that cannot be read);
/// mismatch (BKMK HMAC refuses the given keys).
[[nodiscard]] Result<std::unique_ptr<const Unlocker>> make_unlocker(const CryptoFooter& footer,
                                                                    const PhoneKeys* phone_keys = nullptr);

/// How a mapped volume is laid over userdata.
struct VolumeSpec {
    crypto::SectorCipherSpec cipher;
    ByteCount length;                        ///< of the mapped device
    std::optional<ByteCount> encrypted_upto; ///< plain from here on; nothing: all encrypted
};

/// What shows that a key is right.
struct KeyProof {
    VolumeSpec volume;
    std::string filesystem;         ///< "ext4", "f2fs", "fat", or empty where only the hash_first_block was compared
    std::vector<std::string> facts; ///< "ext4 superblock at 0x400: magic, 8 sane fields, checksum"
    /// Rough odds of a false positive as a power of two: 64 means 2^-64.
    unsigned strength_bits{};
};

/// Tries to prove `key` against the first bytes of userdata.  Unknown IV rule, IV base and sector size are probed:
/// footer's cipher name first, 512 then 4096, base partition then disk (`disk_lba`, 512-byte sectors).
/// Nothing: no filesystem appears.  Where the start cannot be read or is damaged, ext backups are looked for further
/// on; a right key proven by one of them says so in its facts. Errors: io; unreadable (the first superblock's place
/// cannot be read and no backup appears: the key may still be right, another key may be proven by a backup);
/// unsupported (cipher name); invalid_argument (a key of no size the cipher takes).
[[nodiscard]] Result<std::optional<KeyProof>> prove_key(const CryptoFooter& footer, ByteView key,
                                                        const io::ByteSource& userdata, SectorIndex disk_lba);

/// The cheap form for searches: reads what it needs once, then asks no source.  const, thread safe.
class KeyProbe {
public:
    KeyProbe() = default;
    KeyProbe(const KeyProbe&) = delete;
    KeyProbe& operator=(const KeyProbe&) = delete;
    virtual ~KeyProbe() = default;
    /// False positives are rarer than 2^-60; a hit is confirmed by prove_key.
    [[nodiscard]] virtual bool accepts(ByteView key) const = 0;
};
/// Errors: io; unreadable (nothing that shows a superblock can be read); unsupported (cipher name).
[[nodiscard]] Result<std::unique_ptr<const KeyProbe>>
make_key_probe(const CryptoFooter& footer, const io::ByteSource& userdata, SectorIndex disk_lba);

/// Userdata in the clear.  Below encrypted_upto through the cipher, above as it is.  Holes of the raw source become
/// data (a hole deciphers to noise) except where plain.  Unreadable sectors stay unreadable, a whole cipher sector at a
/// time. Errors: invalid_argument (key size), truncated (volume longer than userdata by more than the caller may ask
/// for).
[[nodiscard]] Result<io::SourcePtr> make_decrypting(io::SourcePtr userdata, const VolumeSpec& volume, ByteView key);

/// What a plain filesystem looks like from outside: for "not encrypted" and for file-based encryption.
struct PlainFilesystem {
    std::string name;           ///< "ext4", "ext3", "ext2", "f2fs", "erofs", "fat", "exfat", "ntfs", "squashfs"
    ByteCount size;             ///< as the superblock says; 0 unknown
    bool has_encrypt_feature{}; ///< ext4 "encrypt", f2fs "encrypt": file-based encryption in use or possible
    std::string label;
};
[[nodiscard]] std::optional<PlainFilesystem> probe_filesystem(const io::ByteSource& source);

} // namespace salvage::fde
