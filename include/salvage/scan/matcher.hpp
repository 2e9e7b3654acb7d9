// Finding many byte patterns at once in memory.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>

#include "salvage/core/bytes.hpp"
#include "salvage/core/result.hpp"
#include "salvage/scan/isa.hpp"
#include "salvage/scan/scan.hpp"

namespace salvage::scan {

/// Called for each hit; hits of one pattern come in ascending order.
using HitSink = std::function<void(const Hit&)>;

/// Patterns made ready for search.  Immutable, so it may be used from many threads at once.
///
/// Patterns at any alignment share one filter that looks at every byte once; those that are aligned to 64 bytes or more
/// are compared at their places only.  Every hit is confirmed by comparing all its bytes.
class Matcher {
public:
    /// Errors: invalid_argument (a pattern of 0 or over 4096 bytes, an alignment of 0, an offset beyond it, over 4096
    /// patterns).
    [[nodiscard]] static Result<Matcher> make(std::span<const Pattern> patterns, Isa isa);

    /// Bytes of the longest pattern; 0 without patterns.
    [[nodiscard]] std::size_t longest() const noexcept;

    /// Reports the hits that end after the first `known` bytes: those bytes were searched before and are carried over
    /// so that a hit may begin in them.  `base` is the place of bytes[0] in the source. Requires: known <=
    /// bytes.size().
    void find(ByteView bytes, std::size_t known, ByteOffset base, const HitSink& sink) const;

    Matcher(Matcher&&) noexcept;
    Matcher& operator=(Matcher&&) noexcept;
    ~Matcher();

private:
    struct Compiled;
    explicit Matcher(std::unique_ptr<const Compiled> compiled) noexcept;
    std::unique_ptr<const Compiled> compiled_;
};

} // namespace salvage::scan
