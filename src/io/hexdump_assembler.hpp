// Rows of a hex dump put together; private to the box.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hexdump_line.hpp"
#include "salvage/core/bytes.hpp"

namespace salvage::io {

/// What a hex dump may stand for.  A "*" can ask for any size in one line; nothing that is pasted as text is larger.
constexpr std::size_t max_hexdump_bytes = 64U << 20U;

/// Puts rows together and checks that each begins where the one before ended.
class HexdumpAssembler {
public:
    /// Takes the line at `at`, the `number`th; lines before the first row and after the last are passed over.
    /// Errors: malformed (where = the line), unsupported (rows of bits, too large).
    Result<> add(const HexdumpLine& line, std::size_t at, std::size_t number);
    /// The bytes, when all lines were added.  Errors: malformed.
    Result<Bytes> finish();

    /// What stands where the rows should be, if anything does.
    [[nodiscard]] std::optional<Error> problem_without_rows() const;
    [[nodiscard]] bool has_rows() const { return base_.has_value(); }
    [[nodiscard]] std::size_t rows() const { return rows_; }

private:
    Result<> add_row(const HexdumpLine& line);
    /// Among rows a broken one is damage; before the first it may be noise, or the damaged first row.
    Result<> add_broken(const HexdumpLine& line);
    Result<> add_end(const HexdumpLine& line);
    Result<> add_repeat();
    /// Makes the bytes so far end where the line at hand says that they do.
    Result<> continue_at(std::uint64_t offset);
    Result<> repeat_to(std::size_t target);
    /// Drops what was read beyond `target`: the second half of an odd last word, or a text column taken for digits.
    Result<> cut_to(std::size_t target);
    [[nodiscard]] Error damaged_row() const;
    [[nodiscard]] Error jump(std::uint64_t wanted) const;
    [[nodiscard]] Error bad(std::string_view what, std::string_view why) const;
    [[nodiscard]] std::string place() const;
    [[nodiscard]] static Error too_large();

    Bytes out_;
    Bytes row_; ///< the last row, for "*"
    std::vector<std::size_t> cuts_;
    std::size_t row_at_{0};
    std::size_t unit_{1};
    std::size_t width_{0}; ///< of the first row, as the second row's offset tells it
    std::size_t rows_{0};
    struct Broken {
        std::uint64_t offset;
        Error error;
    };
    std::optional<Broken> broken_; ///< the last one before the first row
    std::optional<std::uint64_t> base_;
    std::optional<std::size_t> foreign_at_;
    bool is_repeating_{false};
    bool is_end_{false};
    bool has_ended_{false};
    std::size_t at_{0};
    std::size_t number_{0};
};

} // namespace salvage::io
