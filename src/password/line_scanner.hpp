// Lines of a word list out of blocks of any size, with bounded memory whatever the lines are.
#pragma once

#include <cstdint>
#include <string>

#include "salvage/core/bytes.hpp"

namespace salvage::password {

/// Longest line that can be a candidate: max_word_bytes written as `$HEX[…]`.
inline constexpr std::size_t max_line_bytes = 2 * 1024 + 6;

/// The candidate a line stands for: "$HEX[…]" with an even number of hex digits is unwrapped, everything else is
/// itself. Returns false where the candidate is longer than max_word_bytes.
[[nodiscard]] bool word_of_line(std::string_view line, std::string& into);

/// Fed block by block.  Lines end with "\n"; one "\r" before it belongs to the end.  Bytes of a line beyond
/// max_line_bytes + 1 are counted, not kept.
class LineScanner {
public:
    /// Calls use(line, offset of its first byte, offset of the first byte after its end) for every line that ends in
    /// `block`; use returns whether to go on.  Returns false where it said no.
    template <typename Use>
    bool feed(ByteView block, const Use& use)
    {
        auto rest = as_text(block);
        while (!rest.empty()) {
            const auto end = rest.find('\n');
            keep(rest.substr(0, end));
            if (end == std::string_view::npos) {
                return true;
            }
            rest.remove_prefix(end + 1);
            ++at_;
            if (!finish_line(use)) {
                return false;
            }
        }
        return true;
    }

    /// The last line where the file does not end with "\n".
    template <typename Use>
    bool finish(const Use& use)
    {
        return at_ == line_start_ || finish_line(use);
    }

    explicit LineScanner(std::uint64_t at = 0) : at_{at}, line_start_{at} {}

private:
    void keep(std::string_view part)
    {
        at_ += part.size();
        const auto room = max_line_bytes + 2 - line_.size(); // one "\r", and one more to notice that it is too long
        line_.append(part.substr(0, room));
        if (!part.empty()) {
            ends_with_return_ = part.back() == '\r';
        }
        length_ += part.size();
    }

    template <typename Use>
    bool finish_line(const Use& use)
    {
        const auto length = length_ - (ends_with_return_ ? 1U : 0U);
        line_.resize(static_cast<std::size_t>(length < line_.size() ? length : line_.size()));
        const bool goes_on = use(std::string_view{line_}, line_start_, at_);
        line_.clear();
        length_ = 0;
        ends_with_return_ = false;
        line_start_ = at_;
        return goes_on;
    }

    std::uint64_t at_;
    std::uint64_t line_start_;
    std::uint64_t length_{};
    bool ends_with_return_{false};
    std::string line_;
};

} // namespace salvage::password
