// A driver behind the seam as the rest of this folder likes it: owned, with results instead of status numbers.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/gpu/seam.hpp"
#include "salvage/core/bytes.hpp"
#include "salvage/core/result.hpp"
#include "salvage/core/units.hpp"
#include "salvage/crypto/kdf_device.hpp"

namespace salvage::crypto::gpu {

class Session;

/// Memory on a device; wiped, as far as the driver still answers, and given back at its end.
class DeviceMemory {
public:
    DeviceMemory() = default;
    DeviceMemory(DeviceMemory&& other) noexcept;
    DeviceMemory& operator=(DeviceMemory&& other) noexcept;
    DeviceMemory(const DeviceMemory&) = delete;
    DeviceMemory& operator=(const DeviceMemory&) = delete;
    ~DeviceMemory();

    [[nodiscard]] ByteCount size() const noexcept { return size_; }
    void give_back() noexcept;
    [[nodiscard]] GpuArgument argument() const noexcept
    {
        return {.kind = gpu_argument_buffer, .number = 0, .buffer = buffer_};
    }

private:
    friend class Session;
    DeviceMemory(Session& session, GpuBuffer buffer, ByteCount size) noexcept
        : session_{&session}, buffer_{buffer}, size_{size}
    {
    }

    Session* session_{nullptr};
    GpuBuffer buffer_{};
    ByteCount size_{};
};

[[nodiscard]] inline GpuArgument argument(std::uint32_t number) noexcept
{
    return {.kind = gpu_argument_number, .number = number, .buffer = {}};
}

/// Which program: a kind and, for scrypt, its block size.
struct ProgramId {
    KdfKind kind{KdfKind::pbkdf2_sha1};
    std::uint32_t scrypt_r_log2{no_scrypt};
};

/// Owns a driver's context.  Must outlive its memory.
class Session {
public:
    explicit Session(const GpuDriver& driver);
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    ~Session();

    [[nodiscard]] const GpuProperties& properties() const noexcept { return properties_; }
    /// "NVIDIA H100 (OpenCL)".
    [[nodiscard]] std::string name() const;

    /// Kernels of a program, in the order of `names`.  Errors: unsupported (with the compiler's words).
    [[nodiscard]] Result<std::vector<GpuKernel>> build(ProgramId program, std::span<const char* const> names);
    /// Errors: no_space.
    [[nodiscard]] Result<DeviceMemory> allocate(ByteCount size);
    /// Makes `memory` at least so large; what it held is lost.
    [[nodiscard]] Result<> reserve(DeviceMemory& memory, ByteCount size);
    [[nodiscard]] Result<> write(const DeviceMemory& into, ByteView bytes);
    [[nodiscard]] Result<> read(const DeviceMemory& from, ByteOffset at, std::span<std::byte> into);
    /// Runs at least `items` work items to their end.
    [[nodiscard]] Result<> launch(GpuKernel kernel, std::span<const GpuArgument> arguments, std::uint64_t items);

private:
    friend class DeviceMemory;
    void give_back(GpuBuffer buffer, ByteCount size) const noexcept;
    [[nodiscard]] Error failure(std::string_view what, int status) const;

    GpuDriver driver_;
    GpuProperties properties_{};
};

} // namespace salvage::crypto::gpu
