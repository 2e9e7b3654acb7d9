// Memory of a derivation.
#include "crypto/kdf/working_memory.hpp"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <tuple>
#include <utility>

#include "crypto/kdf/kernels.hpp"
#include "salvage/core/secret.hpp"

namespace salvage::crypto::kdf {

void wipe_memory(void* at, std::size_t bytes) noexcept
{
    wipe({static_cast<std::byte*>(at), bytes});
}

std::span<std::uint32_t> SecretWords::zeros(std::size_t count)
{
    clear();
    if (words_.size() < count) {
        words_.resize(count);
    }
    return std::span{words_}.first(count);
}

void SecretWords::clear() noexcept
{
    wipe(std::as_writable_bytes(std::span{words_}));
}

PagedMemory::PagedMemory(PagedMemory&& other) noexcept : bytes_{std::exchange(other.bytes_, {})} {}

PagedMemory& PagedMemory::operator=(PagedMemory&& other) noexcept
{
    std::swap(bytes_, other.bytes_);
    return *this;
}

PagedMemory::~PagedMemory()
{
    if (!bytes_.empty()) {
        ::munmap(bytes_.data(), bytes_.size());
    }
}

Result<PagedMemory> PagedMemory::make(ByteCount size)
{
    void* const memory =
        ::mmap(nullptr, size.value, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) { // NOLINT(*-cstyle-cast,performance-no-int-to-ptr): the system's macro
        return from_errno(errno, "no memory for scrypt's table", fmt::format("{} MiB", size.value >> 20U))
            .with_hint("use fewer lanes, or fewer threads");
    }
    // Pages of 2 MiB are a gain, not a need.  A table in a core dump would be of use to nobody but a thief.
    std::ignore = ::madvise(memory, size.value, MADV_HUGEPAGE);
    std::ignore = ::madvise(memory, size.value, MADV_DONTDUMP);
    return PagedMemory{{static_cast<std::byte*>(memory), static_cast<std::size_t>(size.value)}};
}

} // namespace salvage::crypto::kdf
