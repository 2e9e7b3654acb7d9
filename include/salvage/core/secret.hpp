// Memory that holds key material: move-only, wiped, never printed, never compared with ==.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "salvage/core/bytes.hpp"

namespace salvage {

/// Overwrites memory in a way the compiler keeps.  The only place that wipes.
void wipe(std::span<std::byte> memory) noexcept;

/// Compares without a branch on content.  Sizes are not secret.
[[nodiscard]] bool equal_constant_time(ByteView left, ByteView right) noexcept;

/// Secret bytes of a size known at run time.
class SecretBytes {
public:
    SecretBytes() = default;
    explicit SecretBytes(std::size_t size) : bytes_(size) {}
    [[nodiscard]] static SecretBytes copy_of(ByteView bytes);

    SecretBytes(const SecretBytes&) = delete;
    SecretBytes& operator=(const SecretBytes&) = delete;
    SecretBytes(SecretBytes&& other) noexcept;
    SecretBytes& operator=(SecretBytes&& other) noexcept;
    ~SecretBytes();

    /// Reading is a deliberate act: search for `expose` to find every place.
    [[nodiscard]] ByteView expose() const noexcept { return bytes_; }
    [[nodiscard]] std::span<std::byte> expose_for_writing() noexcept { return bytes_; }
    [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }
    [[nodiscard]] bool is_empty() const noexcept { return bytes_.empty(); }
    [[nodiscard]] SecretBytes clone() const { return copy_of(bytes_); }

private:
    std::vector<std::byte> bytes_;
};

/// Secret bytes of a size known at compile time.
template <std::size_t N>
class Secret {
public:
    Secret() = default;
    Secret(const Secret&) = delete;
    Secret& operator=(const Secret&) = delete;
    Secret(Secret&& other) noexcept : bytes_{other.bytes_} { wipe(other.bytes_); }
    Secret& operator=(Secret&& other) noexcept
    {
        if (this != &other) {
            bytes_ = other.bytes_;
            wipe(other.bytes_);
        }
        return *this;
    }
    ~Secret() { wipe(bytes_); }

    [[nodiscard]] std::span<const std::byte, N> expose() const noexcept { return bytes_; }
    [[nodiscard]] std::span<std::byte, N> expose_for_writing() noexcept { return bytes_; }

private:
    std::array<std::byte, N> bytes_{};
};

} // namespace salvage
