// Key derivations in bulk: many secrets at once, on what does them fastest.
//
// A search has one device for each of its threads: a core's vector units, or a whole GPU.  All devices give the same
// keys, byte for byte; only their speed and the number of secrets they like to take at once differ.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "salvage/core/bytes.hpp"
#include "salvage/core/result.hpp"
#include "salvage/core/units.hpp"
#include "salvage/crypto/kdf.hpp"

namespace salvage::crypto {

enum class KdfKind : std::uint8_t { pbkdf2_sha1, pbkdf2_sha256, scrypt };

/// Longest key a device derives: AES-256 key and IV take 48.
inline constexpr std::size_t max_kdf_key_bytes = 64;
/// Longest salt a device takes; Android's have 16.
inline constexpr std::size_t max_kdf_salt_bytes = 64;

/// What is derived from every secret of a batch.
struct KdfJob {
    KdfKind kind{KdfKind::pbkdf2_sha1};
    Bytes salt{};
    Iterations iterations{0}; ///< PBKDF2
    ScryptFactors factors{};  ///< scrypt
    std::size_t key_bytes{32};
};

/// `job` for one secret, without a device: what devices are held against.  Thread safe.  Errors: as scrypt.
[[nodiscard]] Result<> derive_key(const KdfJob& job, ByteView secret, std::span<std::byte> key);

/// Derives keys.  One thread at a time: a device keeps its working memory between calls.
class KdfDevice {
public:
    KdfDevice() = default;
    KdfDevice(const KdfDevice&) = delete;
    KdfDevice& operator=(const KdfDevice&) = delete;
    virtual ~KdfDevice() = default;

    /// For people: "cpu (PBKDF2-SHA1 avx512 x16, …)", "NVIDIA H100 (OpenCL)".
    [[nodiscard]] virtual std::string name() const = 0;
    /// Secrets that are best given at once; at least 1, for a job that is not taken, too.  More are taken all the same.
    [[nodiscard]] virtual std::size_t batch_size(const KdfJob& job) const noexcept = 0;
    /// Fills keys[i * key_bytes …] from secrets[i], which may have any length.
    /// Requires: keys.size() == secrets.size() * job.key_bytes.
    /// Errors: unsupported (factors, key or salt size beyond bounds); io (the device failed: see is_lost).
    [[nodiscard]] virtual Result<> derive(const KdfJob& job, std::span<const ByteView> secrets,
                                          std::span<std::byte> keys) = 0;
    /// True after a failure that makes all further answers of this device worthless.
    [[nodiscard]] virtual bool is_lost() const noexcept { return false; }
};

/// Instruction sets with kernels of their own, in no order of speed.
enum class Isa : std::uint8_t { portable, sse2, sha_ni, avx2, avx512, neon };
[[nodiscard]] std::string_view to_string(Isa isa) noexcept;
/// "avx512" and so on.  Errors: invalid_argument (names those this machine has).
[[nodiscard]] Result<Isa> parse_isa(std::string_view name);
/// What this machine runs; portable is always among them.
[[nodiscard]] std::span<const Isa> supported_isas() noexcept;

/// Memory that one lane of a scrypt batch takes: 128 r N bytes; what lies beside it is small.
[[nodiscard]] ByteCount scrypt_lane_memory(ScryptFactors factors) noexcept;
/// Lanes that pay: the number of a full batch for the fastest kernel here (32), which every smaller power of two
/// follows down to 1.
inline constexpr std::size_t most_scrypt_lanes = 32;

struct CpuKdfOptions {
    /// Only kernels of this set (and portable ones where it has none for a job); nothing: the fastest for each job.
    std::optional<Isa> isa{};
    std::size_t scrypt_lanes{4}; ///< rounded down to a power of two, 1 to most_scrypt_lanes
};
/// One core.  scrypt's memory is taken at the first scrypt job and kept: lanes * scrypt_lane_memory, on 2 MiB pages
/// where the system gives them.  Errors: unsupported (an instruction set that this machine does not have).
[[nodiscard]] Result<std::unique_ptr<KdfDevice>> make_cpu_kdf_device(const CpuKdfOptions& options = {});

} // namespace salvage::crypto
