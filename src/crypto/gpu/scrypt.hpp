// scrypt on a device.  The kernels, and why they are as they are, stand in kernels/scrypt.cl.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "crypto/gpu/pace.hpp"
#include "crypto/gpu/pbkdf2.hpp"
#include "crypto/gpu/scrypt_plan.hpp"
#include "crypto/gpu/session.hpp"

namespace salvage::crypto::gpu {

struct ScryptSettings {
    std::chrono::nanoseconds launch_time{};
    ByteCount memory;                 ///< that tables may take
    std::optional<unsigned> gap_log2; ///< nothing: chosen from memory
};

/// scrypt of one block size r.
class Scrypt {
public:
    /// Compiles the program.  `first` is a PBKDF2 with HMAC-SHA256 that outlives this.
    static Result<Scrypt> make(Session& session, Pbkdf2& first, std::uint32_t r_log2, const ScryptSettings& settings);

    /// Keeps every 2^gap_log2-th block from now on; nothing: chosen from memory.
    void set_gap(std::optional<unsigned> gap_log2);
    /// Secrets that are best given at once; 1 where memory is too small for any.
    [[nodiscard]] std::size_t batch_size(ScryptFactors factors) const noexcept;
    /// Requires: factors of this r.  Errors: unsupported (memory for not even one stream); io; cancelled.
    Result<> derive(const KdfJob& job, std::span<const ByteView> secrets, std::span<std::byte> keys,
                    const RunContext& context);

private:
    struct MixLaunch {
        std::uint32_t steps{0};
        bool is_finished{false};
    };
    enum class Start : bool { fresh, again };

    Scrypt(Session& session, Pbkdf2& first, std::vector<GpuKernel> kernels, std::uint32_t quad_lanes,
           const ScryptSettings& settings);

    /// Memory for as many streams as are of use; fewer where the device has less than it said.
    Result<> make_tables(ScryptFactors factors, std::uint32_t streams);
    Result<> allocate_tables();
    /// Buffer `i` of the table; the last one stands in for those that are not needed.
    [[nodiscard]] GpuArgument table(std::size_t i) const;
    Result<> load(std::uint32_t lanes_used);
    /// ROMix of the streams [first, first + streams).
    Result<> mix_rows(std::uint32_t first, std::uint32_t streams, const RunContext& context);
    Result<> fill(std::uint32_t first, std::uint32_t streams, const RunContext& context);
    Result<> mix(std::uint32_t first, std::uint32_t streams, const RunContext& context);
    Result<MixLaunch> mix_once(std::uint32_t first, std::uint32_t streams, Start start, const RunContext& context);
    Result<> finish(std::size_t key_bytes, std::uint32_t lanes_used, std::span<std::byte> keys);
    [[nodiscard]] std::optional<ScryptPlan> plan(ScryptFactors factors, std::uint32_t most_streams) const noexcept;
    [[nodiscard]] std::uint32_t parts() const noexcept { return 1U << factors_.p_log2; }

    Session* session_;
    Pbkdf2* first_;
    std::vector<GpuKernel> kernels_;
    std::uint32_t quad_lanes_;
    ScryptSettings settings_;
    Pace fill_pace_;
    Pace mix_pace_;
    ScryptFactors factors_{};
    ScryptPlan plan_{};
    std::uint32_t made_for_{0}; ///< streams that tables_ was made for; it may hold fewer
    std::vector<DeviceMemory> tables_;
    DeviceMemory rows_;  ///< X of every stream of the batch
    DeviceMemory saved_; ///< for the streams under way
    DeviceMemory going_;
    DeviceMemory counts_;
    DeviceMemory answer_; ///< keys; also the small answers of kernels
};

} // namespace salvage::crypto::gpu
