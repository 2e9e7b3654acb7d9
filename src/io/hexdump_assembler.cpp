// Rows of a hex dump put together.  The rules have their numbers in docs/formats/hexdump.md.
#include "hexdump_assembler.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "salvage/core/text.hpp"

namespace salvage::io {
namespace {

// A damaged row this close before the first good one belongs to the dump; farther away it is chance.
constexpr std::uint64_t max_lost = 4096;

} // namespace

Result<> HexdumpAssembler::add(const HexdumpLine& line, std::size_t at, std::size_t number)
{
    at_ = at;
    number_ = number;
    switch (line.kind) {
    case HexdumpLineKind::row: return add_row(line);
    case HexdumpLineKind::end: return has_rows() ? add_end(line) : Result<>{};
    case HexdumpLineKind::repeat: return add_repeat();
    case HexdumpLineKind::binary:
        return unsupported("this hex dump is one of bits", place(), "make it with `xxd` without -b, or `hexdump -C`");
    case HexdumpLineKind::broken: return add_broken(line);
    case HexdumpLineKind::blank:
    case HexdumpLineKind::plain:
    case HexdumpLineKind::foreign: break;
    }
    if (line.kind != HexdumpLineKind::blank && has_rows() && !foreign_at_) {
        foreign_at_ = at;
    }
    return {};
}

Result<Bytes> HexdumpAssembler::finish()
{
    if (is_repeating_) {
        return bad("the hex dump ends with a \"*\"", "how often the row before is repeated stands in the line after it")
            .with_hint("paste the last line too: the offset alone");
    }
    if (!has_ended_ && width_ != 0 && row_.size() > width_) {
        SALVAGE_TRY(cut_to(row_at_ + width_));
    }
    return std::move(out_);
}

std::optional<Error> HexdumpAssembler::problem_without_rows() const
{
    return broken_ ? std::optional{broken_->error} : std::nullopt;
}

Result<> HexdumpAssembler::add_row(const HexdumpLine& line)
{
    if (foreign_at_) {
        at_ = *foreign_at_;
        return malformed(ByteOffset{at_}, "something else stands between the rows of the hex dump", {})
            .with_hint("paste the dump without what is around it, one dump at a time");
    }
    if (!base_ && broken_ && broken_->offset < line.offset && line.offset - broken_->offset <= max_lost) {
        return broken_->error;
    }
    if (!base_) {
        base_ = line.offset;
    }
    SALVAGE_TRY(continue_at(line.offset));
    if (rows_ == 1) {
        width_ = out_.size();
    }
    if (line.bytes.size() > max_hexdump_bytes - out_.size()) {
        return too_large();
    }
    row_at_ = out_.size();
    row_ = line.bytes;
    cuts_ = line.cuts;
    unit_ = line.unit;
    out_.insert(out_.end(), row_.begin(), row_.end());
    has_ended_ = false;
    ++rows_;
    return {};
}

Result<> HexdumpAssembler::add_broken(const HexdumpLine& line)
{
    if (has_rows()) {
        return damaged_row();
    }
    broken_ = Broken{.offset = line.offset, .error = damaged_row()};
    return {};
}

Result<> HexdumpAssembler::add_end(const HexdumpLine& line)
{
    is_end_ = true;
    auto result = continue_at(line.offset);
    is_end_ = false;
    has_ended_ = true;
    return result;
}

Result<> HexdumpAssembler::add_repeat()
{
    if (!has_rows()) {
        return {};
    }
    is_repeating_ = true;
    return {};
}

Result<> HexdumpAssembler::continue_at(std::uint64_t offset)
{
    if (offset < *base_) {
        return bad("the offsets of the hex dump go back",
                   fmt::format("found {:#x} after the first row's {:#x}", offset, *base_));
    }
    const auto wanted = offset - *base_;
    if (wanted > max_hexdump_bytes) {
        return is_repeating_ ? too_large() : jump(wanted);
    }
    const auto target = static_cast<std::size_t>(wanted);
    if (std::exchange(is_repeating_, false)) {
        return repeat_to(target);
    }
    if (target < out_.size()) {
        return cut_to(target);
    }
    return target == out_.size() ? Result<>{} : Result<>{jump(wanted)};
}

Result<> HexdumpAssembler::repeat_to(std::size_t target)
{
    const bool is_whole = target >= out_.size() && (target - out_.size()) % row_.size() == 0;
    // hexdump hides a last, shorter row behind the "*" too, when it begins like the row before.
    const bool is_last = is_end_ && target > out_.size();
    if (!is_whole && !is_last) {
        return bad("a \"*\" of the hex dump repeats no whole number of rows",
                   fmt::format("it reaches from {:#x} to {:#x}", *base_ + out_.size(), *base_ + target));
    }
    for (std::size_t i = 0; out_.size() < target; ++i) {
        out_.push_back(row_[i % row_.size()]);
    }
    return {};
}

Result<> HexdumpAssembler::cut_to(std::size_t target)
{
    const bool is_half_word = is_end_ && out_.size() - target < unit_;
    const bool is_column = !is_end_ && target > row_at_ && std::ranges::find(cuts_, target - row_at_) != cuts_.end();
    if (has_ended_ || (!is_half_word && !is_column)) {
        return bad("the rows of the hex dump overlap", fmt::format("found offset {:#x}, the row before ends at {:#x}",
                                                                   *base_ + target, *base_ + out_.size()));
    }
    out_.resize(target);
    row_.resize(target - row_at_);
    return {};
}

Error HexdumpAssembler::damaged_row() const
{
    return bad("a row of the hex dump is damaged", "digits are missing or are none");
}

Error HexdumpAssembler::jump(std::uint64_t wanted) const
{
    return bad("the offsets of the hex dump jump",
               fmt::format("found {:#x}, the row before ends at {:#x}", *base_ + wanted, *base_ + out_.size()))
        .with_hint("a row is missing, or the offsets are not hexadecimal (for od, use -A x)");
}

Error HexdumpAssembler::bad(std::string_view what, std::string_view why) const
{
    return malformed(ByteOffset{at_}, what, fmt::format("{}: {}", place(), why));
}

std::string HexdumpAssembler::place() const
{
    return fmt::format("line {}", number_);
}

Error HexdumpAssembler::too_large()
{
    return unsupported("this hex dump stands for more bytes than may be pasted",
                       fmt::format("the limit is {}", format_size_exact(ByteCount{max_hexdump_bytes})),
                       "use the file itself instead of its hex dump");
}

} // namespace salvage::io
