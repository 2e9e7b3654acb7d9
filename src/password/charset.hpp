// Charsets of masks: the built-in ones, custom ones, and the elements both are written with.
// Spec: hashcat wiki, "mask attack".
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <string>
#include <string_view>

#include "salvage/core/result.hpp"
#include "salvage/password/mask.hpp"

namespace salvage::password {

/// Custom charsets as bytes; empty ones are not defined.
using CharsetBytes = std::array<std::string, custom_charsets>;

/// Bytes that are each added once, in the order in which they first came.
class Charset {
public:
    void add(std::string_view bytes);
    [[nodiscard]] const std::string& bytes() const noexcept { return bytes_; }

private:
    std::string bytes_;
    std::bitset<256> known_;
};

/// The byte itself, as a charset of one.  Valid forever.
[[nodiscard]] std::string_view charset_of_byte(unsigned char byte) noexcept;

/// The charset that `?` and `name` stand for; `??` is a question mark.  `column` counts from 1 and is the name's.
/// Errors: invalid_argument.  The result is valid as long as `custom`.
[[nodiscard]] Result<std::string_view> charset_named(char name, std::size_t column, const CharsetBytes& custom);

/// An element of a mask is one place; those of a custom charset are thrown together.
class ElementReader {
public:
    /// Both have to outlive the reader and what it gives.
    ElementReader(std::string_view text, MaskNotation notation, const CharsetBytes& custom)
        : text_{text}, custom_{&custom}, notation_{notation}
    {
    }

    [[nodiscard]] bool is_at_end() const noexcept { return at_ == text_.size(); }
    /// The bytes that the next element may be.  Requires: !is_at_end().  Errors: invalid_argument.
    Result<std::string_view> next();

private:
    Result<std::string_view> next_hex_byte();

    std::string_view text_;
    std::size_t at_{0};
    const CharsetBytes* custom_;
    MaskNotation notation_;
};

/// Custom charsets from what was typed, lowest number first.  Files are read.  Errors: invalid_argument, io.
[[nodiscard]] Result<CharsetBytes> parse_charsets(const CustomCharsets& typed, MaskNotation notation);

} // namespace salvage::password
