// Masks one after another as numbers: what make_mask() and make_mask_file() are built of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "password/charset.hpp"
#include "salvage/core/result.hpp"
#include "salvage/core/units.hpp"
#include "salvage/password/mask.hpp"

namespace salvage::password {

/// More candidates than 64 bits number.  `count` is for the message.
[[nodiscard]] Error beyond_64_bits(std::string_view what, long double count);

/// Masks, each a run of places; a place is one of the charsets that all of them share.  A mask's number counts like an
/// odometer: the last place turns fastest.  Immutable once built; then thread safe.
class MaskList {
public:
    /// Adds a mask, and its shorter cuts before it where `increment` asks.  `mask` is as typed, `custom` as bytes.
    /// Errors: invalid_argument (a text that is no mask; the sum of all is over 2^64 - 1).
    Result<> add(std::string_view mask, MaskNotation notation, const CharsetBytes& custom,
                 const std::optional<MaskIncrement>& increment);

    [[nodiscard]] std::uint64_t size() const noexcept { return masks_.empty() ? 0 : masks_.back().end; }
    /// Requires: index < size().
    void write(std::uint64_t index, std::string& into) const;

    /// Bits of a hash over everything that decides what stands at a number.
    [[nodiscard]] std::string check() const;
    /// Places of the shortest and of the longest mask.
    [[nodiscard]] std::size_t shortest() const noexcept { return shortest_; }
    [[nodiscard]] std::size_t longest() const noexcept { return longest_; }
    [[nodiscard]] std::size_t masks() const noexcept { return masks_.size(); }

private:
    struct Mask {
        std::size_t first_place{};
        std::size_t places{};
        std::uint64_t end{}; ///< number of the first candidate after it
    };

    [[nodiscard]] std::uint32_t charset_number(std::string_view bytes);
    [[nodiscard]] Result<> add_cuts(std::size_t first_place, MaskIncrement cuts);
    [[nodiscard]] std::string_view place(std::size_t at) const { return charsets_[places_[at]]; }

    std::vector<std::string> charsets_; ///< each different one once
    std::map<std::string, std::uint32_t, std::less<>> known_charsets_;
    std::vector<std::uint32_t> places_; ///< of all masks
    std::vector<Mask> masks_;           ///< cuts share their places
    std::size_t shortest_{0};
    std::size_t longest_{0};
};

/// Adds the lines of a mask file.  Errors: invalid_argument (with the line); unsupported.
[[nodiscard]] Result<MaskList> parse_mask_lines(std::string_view text, MaskNotation notation,
                                                const std::optional<MaskIncrement>& increment);

} // namespace salvage::password
