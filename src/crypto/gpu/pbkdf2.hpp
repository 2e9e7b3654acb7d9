// PBKDF2 on a device: tables in, launches, answers out.  The kernels are in kernels/pbkdf2.cl.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "crypto/gpu/pace.hpp"
#include "crypto/gpu/session.hpp"
#include "salvage/core/secret.hpp"

namespace salvage::crypto::gpu {

class Pbkdf2 {
public:
    /// Compiles the program.  `kind` is one of PBKDF2's.
    static Result<Pbkdf2> make(Session& session, KdfKind kind, std::chrono::nanoseconds launch_time);

    /// All iterations for all secrets.  Requires: not more secrets than fit in memory at once.
    Result<> derive(const KdfJob& job, std::span<const ByteView> secrets, std::span<std::byte> keys,
                    const RunContext& context);

    /// The first iteration of `numbers` parts of every secret's key, left on the device: see state().
    Result<> start(ByteView salt, std::span<const ByteView> secrets, std::uint32_t numbers);
    [[nodiscard]] const DeviceMemory& state() const noexcept { return state_; }
    /// Candidates that the tables are wide: secrets of the last start, rounded up to what a work item takes.
    [[nodiscard]] std::uint32_t lanes() const noexcept { return lanes_; }

    [[nodiscard]] std::uint32_t digest_bytes() const noexcept { return words_ * 4; }

private:
    Pbkdf2(Session& session, KdfKind kind, std::vector<GpuKernel> kernels, std::chrono::nanoseconds launch_time);

    /// How many rows of the table there are: what the longest secret fills.
    Result<std::uint32_t> write_keys(std::span<const ByteView> secrets);
    Result<> iterate(std::uint32_t iterations, std::uint32_t numbers, const RunContext& context);
    Result<> read_keys(std::size_t key_bytes, std::uint32_t numbers, std::span<std::byte> keys);

    Session* session_;
    KdfKind kind_;
    std::uint32_t words_; ///< of a digest
    std::vector<GpuKernel> kernels_;
    Pace pace_;
    std::uint32_t lanes_{0};
    DeviceMemory keys_;
    DeviceMemory message_;
    DeviceMemory state_;
};

/// Rows of digests as the device leaves them (number-major within a row) to keys.
/// Requires: rows.size() == words * numbers * lanes * 4.
void unpack_keys(ByteView rows, std::uint32_t words, std::uint32_t lanes, std::uint32_t numbers, std::size_t key_bytes,
                 std::span<std::byte> keys);

} // namespace salvage::crypto::gpu
