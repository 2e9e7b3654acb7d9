// Wiping and comparing secrets.
#include "salvage/core/secret.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace salvage {

void wipe(std::span<std::byte> memory) noexcept
{
    if (!memory.empty()) {
        explicit_bzero(memory.data(), memory.size());
    }
}

bool equal_constant_time(ByteView left, ByteView right) noexcept
{
    if (left.size() != right.size()) {
        return false;
    }
    auto difference = std::byte{0};
    for (std::size_t i = 0; i < left.size(); ++i) {
        difference |= left[i] ^ right[i];
    }
    return difference == std::byte{0};
}

SecretBytes SecretBytes::copy_of(ByteView bytes)
{
    SecretBytes out{bytes.size()};
    std::ranges::copy(bytes, out.bytes_.begin());
    return out;
}

SecretBytes::SecretBytes(SecretBytes&& other) noexcept : bytes_{std::move(other.bytes_)}
{
    other.bytes_.clear();
}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept
{
    if (this != &other) {
        wipe(bytes_);
        bytes_ = std::move(other.bytes_);
        other.bytes_.clear();
    }
    return *this;
}

SecretBytes::~SecretBytes()
{
    wipe(bytes_);
}

} // namespace salvage
