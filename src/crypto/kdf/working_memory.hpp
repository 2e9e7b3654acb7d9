// Memory of a derivation: key material that is wiped, and large tables on large pages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "salvage/core/result.hpp"
#include "salvage/core/units.hpp"

namespace salvage::crypto::kdf {

/// Words of key material, wiped when they are no longer needed.  Grows, never shrinks.
class SecretWords {
public:
    SecretWords() = default;
    SecretWords(const SecretWords&) = delete;
    SecretWords& operator=(const SecretWords&) = delete;
    SecretWords(SecretWords&&) = delete;
    SecretWords& operator=(SecretWords&&) = delete;
    ~SecretWords() { clear(); }

    /// `count` zeros.
    [[nodiscard]] std::span<std::uint32_t> zeros(std::size_t count);
    void clear() noexcept;

private:
    std::vector<std::uint32_t> words_;
};

/// Anonymous memory at a page's start, on pages of 2 MiB where the system gives them.  The kernel of the operating
/// system hands freed pages to nobody before it has zeroed them.
class PagedMemory {
public:
    PagedMemory() = default;
    PagedMemory(const PagedMemory&) = delete;
    PagedMemory& operator=(const PagedMemory&) = delete;
    PagedMemory(PagedMemory&& other) noexcept;
    PagedMemory& operator=(PagedMemory&& other) noexcept;
    ~PagedMemory();

    /// Errors: as the system says (io), with the size that was asked for.
    [[nodiscard]] static Result<PagedMemory> make(ByteCount size);
    [[nodiscard]] std::span<std::byte> bytes() const noexcept { return bytes_; }

private:
    explicit PagedMemory(std::span<std::byte> bytes) noexcept : bytes_{bytes} {}
    std::span<std::byte> bytes_;
};

} // namespace salvage::crypto::kdf
