// Asking OpenCL, within bounds.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "crypto/gpu/opencl_functions.hpp"

namespace salvage::crypto::gpu::opencl {

/// More than any machine has; what a driver counts beyond is not looked at.
inline constexpr std::size_t most_platforms = 32;
inline constexpr std::size_t most_devices = 64;
/// Longest text of a driver that is kept.
inline constexpr std::size_t longest_text = 256;

/// A number of fixed size; nothing if the driver does not know the question or answers with another size.
template <typename T>
[[nodiscard]] std::optional<T> query(const Functions& functions, Handle device, std::uint32_t what)
{
    T value{};
    std::size_t size = 0;
    if (functions.get_device_info(device, what, sizeof(value), &value, &size) != success || size != sizeof(value)) {
        return std::nullopt;
    }
    return value;
}

/// As the driver says it, up to its NUL; empty if it has no answer or a longer one than is kept.
[[nodiscard]] std::string device_text(const Functions& functions, Handle device, std::uint32_t what);
[[nodiscard]] std::string platform_text(const Functions& functions, Handle platform, std::uint32_t what);

[[nodiscard]] std::vector<Handle> platforms(const Functions& functions);
[[nodiscard]] std::vector<Handle> devices_of(const Functions& functions, Handle platform);

} // namespace salvage::crypto::gpu::opencl
