// LZO1X: a stream of instructions that copy literals, or bytes that were unpacked before.
//
// What an instruction below 16 means depends on the one before: after none or a copy without literals it is a run of
// literals; after one to three literals a copy of two bytes; after a run of literals a copy of three bytes.
#include "lzo.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace salvage::filesystem::f2fs {
namespace {

constexpr std::size_t after_run = 4;
constexpr std::size_t version_mark = 17;
constexpr std::size_t shortest_with_version = 5;
constexpr std::size_t zeros_distance = 0xBFFF;
constexpr std::size_t end_distance = 16384;

class Unpacker {
public:
    Unpacker(ByteView packed, std::span<std::byte> out) : packed_{packed}, out_{out} {}

    Result<> run()
    {
        if (packed_.size() >= shortest_with_version && peek() == version_mark) {
            has_zero_runs_ = std::to_integer<unsigned>(packed_[1]) >= 1;
            at_ = 2;
        }
        if (at_ < packed_.size() && peek() > version_mark) {
            const auto literals = next() - version_mark;
            SALVAGE_TRY(copy_literals(literals));
            state_ = std::min(literals, after_run);
        }
        while (!is_at_end_) {
            SALVAGE_TRY(instruction());
        }
        if (written_ != out_.size() || at_ != packed_.size()) {
            return broken(fmt::format("it unpacks to {} bytes of {}, {} bytes are left over", written_, out_.size(),
                                      packed_.size() - at_));
        }
        return {};
    }

private:
    [[nodiscard]] std::size_t peek() const noexcept { return std::to_integer<std::size_t>(packed_[at_]); }
    std::size_t next() noexcept { return std::to_integer<std::size_t>(packed_[at_++]); }
    [[nodiscard]] bool has(std::size_t count) const noexcept { return packed_.size() - at_ >= count; }
    [[nodiscard]] Error broken(std::string_view why) const
    {
        return malformed(ByteOffset{at_}, "LZO data is damaged", why);
    }

    Result<> instruction()
    {
        if (!has(1)) {
            return broken("it ends without a mark of its end");
        }
        const auto code = next();
        if (code < 16) {
            return state_ == 0 ? long_run(code) : short_copy(code);
        }
        if (code < 64) {
            return far_copy(code);
        }
        if (!has(1)) {
            return broken("it is cut short");
        }
        const auto length = code < 128 ? 3 + (code >> 5U & 1U) : 5 + (code >> 5U & 3U);
        const auto distance = (next() << 3U) + (code >> 2U & 7U) + 1;
        return copy(distance, length, code & 3U);
    }

    Result<> long_run(std::size_t code)
    {
        const auto length = SALVAGE_TRY(length_of(code, 15));
        SALVAGE_TRY(copy_literals(length + 3));
        state_ = after_run;
        return {};
    }

    Result<> short_copy(std::size_t code)
    {
        if (!has(1)) {
            return broken("it is cut short");
        }
        const bool is_after_run = state_ == after_run;
        const auto distance = (next() << 2U) + (code >> 2U) + (is_after_run ? 2049 : 1);
        return copy(distance, is_after_run ? 3 : 2, code & 3U);
    }

    Result<> far_copy(std::size_t code)
    {
        const bool is_near = code >= 32;
        if (!is_near && has_zero_runs_ && is_zero_run(code)) {
            return zero_run(code);
        }
        const auto length = SALVAGE_TRY(length_of(code & (is_near ? 31U : 7U), is_near ? 31 : 7)) + 2;
        if (!has(2)) {
            return broken("it is cut short");
        }
        const auto low = next();
        const auto word = low | next() << 8U;
        const auto distance = (word >> 2U) + (is_near ? 1 : end_distance + ((code & 8U) << 11U));
        if (!is_near && distance == end_distance) {
            is_at_end_ = true;
            return length == 3 ? Result<>{} : broken("its end is not marked as an end");
        }
        return copy(distance, length, word & 3U);
    }

    /// A copy from the largest distance is a run of zeros; its length is in three bits and a byte behind the distance.
    [[nodiscard]] bool is_zero_run(std::size_t code) const noexcept
    {
        return (code & 8U) != 0 && has(3) && std::to_integer<unsigned>(packed_[at_ + 1]) == 0xFF &&
               (peek() & 0xFCU) == 0xFC;
    }

    Result<> zero_run(std::size_t code)
    {
        static_assert(zeros_distance == end_distance + 0x4000 + 0x3FFF);
        const auto literals = next() & 3U;
        next();
        const auto length = (next() << 3U | (code & 7U)) + 4;
        if (length > out_.size() - written_) {
            return broken("it unpacks to more than its room");
        }
        std::ranges::fill(out_.subspan(written_, length), std::byte{0});
        written_ += length;
        state_ = literals;
        return copy_literals(literals);
    }

    /// A length of zero is continued in bytes: zeros count 255 each, the first other byte ends it.
    Result<std::size_t> length_of(std::size_t bits, std::size_t most)
    {
        if (bits != 0) {
            return bits;
        }
        auto length = most;
        while (true) {
            if (!has(1)) {
                return broken("it is cut short");
            }
            const auto more = next();
            length += more == 0 ? 255 : more;
            if (more != 0) {
                return length;
            }
        }
    }

    Result<> copy_literals(std::size_t count)
    {
        if (!has(count)) {
            return broken("it is cut short");
        }
        if (count > out_.size() - written_) {
            return broken("it unpacks to more than its room");
        }
        std::ranges::copy(packed_.subspan(at_, count), out_.begin() + static_cast<std::ptrdiff_t>(written_));
        at_ += count;
        written_ += count;
        return {};
    }

    Result<> copy(std::size_t distance, std::size_t length, std::size_t literals)
    {
        if (distance > written_) {
            return broken(fmt::format("it copies from {} bytes before its start", distance - written_));
        }
        if (length > out_.size() - written_) {
            return broken("it unpacks to more than its room");
        }
        for (std::size_t i = 0; i < length; ++i, ++written_) { // may overlap itself: a pattern is repeated
            out_[written_] = out_[written_ - distance];
        }
        state_ = literals;
        return copy_literals(literals);
    }

    ByteView packed_;
    std::span<std::byte> out_;
    std::size_t at_{0};
    std::size_t written_{0};
    std::size_t state_{0};
    bool has_zero_runs_{false};
    bool is_at_end_{false};
};

} // namespace

Result<> unpack_lzo(ByteView packed, std::span<std::byte> out)
{
    return Unpacker{packed, out}.run();
}

} // namespace salvage::filesystem::f2fs
