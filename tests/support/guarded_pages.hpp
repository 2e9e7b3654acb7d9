// Memory between two pages that may not be touched: one byte too much ends the program.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

#include "salvage/core/bytes.hpp"

namespace salvage::test {

class GuardedMemory {
public:
    /// Room for `size` bytes.
    explicit GuardedMemory(std::size_t size)
        : page_{static_cast<std::size_t>(::sysconf(_SC_PAGESIZE))},
          size_{std::max(page_, (size + page_ - 1) / page_ * page_)}
    {
        memory_ = ::mmap(nullptr, size_ + (2 * page_), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory_ == MAP_FAILED || ::mprotect(memory_, page_, PROT_NONE) != 0 ||
            ::mprotect(static_cast<std::byte*>(memory_) + page_ + size_, page_, PROT_NONE) != 0) {
            throw std::runtime_error{"no guarded memory"};
        }
    }
    GuardedMemory(const GuardedMemory&) = delete;
    GuardedMemory& operator=(const GuardedMemory&) = delete;
    ~GuardedMemory() { ::munmap(memory_, size_ + (2 * page_)); }

    /// `size` bytes that begin behind, or end before, a page that may not be touched.
    [[nodiscard]] std::span<std::byte> at_start(std::size_t size) const { return all().first(size); }
    [[nodiscard]] std::span<std::byte> at_end(std::size_t size) const { return all().last(size); }

private:
    [[nodiscard]] std::span<std::byte> all() const { return {static_cast<std::byte*>(memory_) + page_, size_}; }

    std::size_t page_;
    std::size_t size_;
    void* memory_{nullptr};
};

} // namespace salvage::test
