#include "crypto/gpu/opencl_query.hpp"

#include <algorithm>
#include <array>

namespace salvage::crypto::gpu::opencl {
namespace {

template <typename Ask>
std::string text_of(Ask ask)
{
    std::array<char, longest_text + 1> buffer{}; // the last NUL stays
    std::size_t size = 0;
    if (ask(buffer.size() - 1, buffer.data(), &size) != success) {
        return {};
    }
    return std::string{buffer.data()};
}

/// The handles that `ask` gives, at most `most`.
template <typename Ask>
std::vector<Handle> handles_of(std::size_t most, Ask ask)
{
    std::uint32_t count = 0;
    std::vector<Handle> handles(most);
    if (ask(static_cast<std::uint32_t>(most), handles.data(), &count) != success) {
        return {};
    }
    handles.resize(std::min<std::size_t>(count, most));
    return handles;
}

} // namespace

std::string device_text(const Functions& functions, Handle device, std::uint32_t what)
{
    return text_of([&](std::size_t size, char* into, std::size_t* taken) {
        return functions.get_device_info(device, what, size, into, taken);
    });
}

std::string platform_text(const Functions& functions, Handle platform, std::uint32_t what)
{
    return text_of([&](std::size_t size, char* into, std::size_t* taken) {
        return functions.get_platform_info(platform, what, size, into, taken);
    });
}

std::vector<Handle> platforms(const Functions& functions)
{
    return handles_of(most_platforms, [&](std::uint32_t most, Handle* into, std::uint32_t* count) {
        return functions.get_platforms(most, into, count);
    });
}

std::vector<Handle> devices_of(const Functions& functions, Handle platform)
{
    return handles_of(most_devices, [&](std::uint32_t most, Handle* into, std::uint32_t* count) {
        return functions.get_devices(platform, device_type_all, most, into, count);
    });
}

} // namespace salvage::crypto::gpu::opencl
