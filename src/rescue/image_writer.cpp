// Writing Android sparse images.
#include "rescue/image_writer.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace salvage::rescue {
namespace {

constexpr std::uint64_t header_bytes = 28;
constexpr std::uint64_t chunk_header_bytes = 12;
constexpr std::uint32_t sparse_magic = 0xED26FF3A;
// total_sz has 32 bits and counts the body too; readers hold a chunk's size in signed numbers here and there.
constexpr std::uint64_t max_raw_blocks = (1ULL << 30U) / SparseWriter::block_bytes;

} // namespace

SparseWriter::Run SparseWriter::classify(ByteView block, ByteRange place, const std::vector<io::Extent>& extents)
{
    // Only what is lost is "don't care": a flash tool leaves the old content there, and zeros must become zeros.
    const auto is_lost = std::ranges::any_of(extents, [&](const io::Extent& extent) {
        return extent.kind == io::ExtentKind::unreadable && extent.range.contains(place);
    });
    if (is_lost) {
        return {.kind = Kind::dont_care, .word = 0, .blocks = 1};
    }
    constexpr std::size_t word_bytes = 4;
    const bool is_fill = std::memcmp(block.data(), block.data() + word_bytes, block.size() - word_bytes) == 0;
    return is_fill ? Run{.kind = Kind::fill, .word = load_le<std::uint32_t>(block), .blocks = 1}
                   : Run{.kind = Kind::raw, .word = 0, .blocks = 1};
}

Result<> SparseWriter::append(ByteView bytes, const std::vector<io::Extent>& extents)
{
    if (const auto tail = bytes.size() % block_bytes; tail != 0) {
        SALVAGE_TRY(append(bytes.first(bytes.size() - tail), extents));
        pad_.assign(block_bytes, std::byte{0});
        std::ranges::copy(bytes.last(tail), pad_.begin());
        const auto place = extents.back().range.end() - ByteCount{tail};
        return append_run(classify(pad_, ByteRange::between(place, place + ByteCount{tail}), extents), pad_);
    }
    std::size_t run_start = 0;
    Run run;
    for (std::size_t at = 0; at < bytes.size(); at += block_bytes) {
        const auto place = extents.front().range.start() + ByteCount{at};
        const auto block = classify(bytes.subspan(at, block_bytes),
                                    ByteRange::between(place, place + ByteCount{block_bytes}), extents);
        if (block.kind != run.kind || block.word != run.word) {
            SALVAGE_TRY(append_run(run, bytes.subspan(run_start, at - run_start)));
            run = block;
            run_start = at;
        } else {
            ++run.blocks;
        }
    }
    return append_run(run, bytes.subspan(run_start));
}

Result<> SparseWriter::append_run(Run run, ByteView raw)
{
    if (run.kind == Kind::none) {
        return {};
    }
    const bool goes_on = open_.kind == run.kind && open_.word == run.word &&
                         (run.kind != Kind::raw || open_.blocks + run.blocks <= max_raw_blocks);
    if (!goes_on) {
        SALVAGE_TRY(close_run());
        open_ = {.kind = run.kind, .word = run.word, .blocks = 0};
    }
    if (run.kind == Kind::raw) {
        const auto body = at_.file_end + chunk_header_bytes + (open_.blocks * block_bytes);
        SALVAGE_TRY(file_->write_at(ByteOffset{body}, raw));
    }
    open_.blocks += run.blocks;
    return {};
}

Result<> SparseWriter::close_run()
{
    if (open_.kind == Kind::none) {
        return {};
    }
    std::array<std::byte, chunk_header_bytes + 4> header{};
    const auto view = std::span{header};
    auto size = chunk_header_bytes;
    auto stored = chunk_header_bytes;
    if (open_.kind == Kind::raw) {
        size += open_.blocks * block_bytes;
    } else if (open_.kind == Kind::fill) {
        store_le(view.subspan(12), open_.word);
        size += 4;
        stored += 4;
    }
    store_le(view, static_cast<std::uint16_t>(open_.kind));
    store_le(view.subspan(4), static_cast<std::uint32_t>(open_.blocks));
    store_le(view.subspan(8), static_cast<std::uint32_t>(size));
    SALVAGE_TRY(file_->write_at(ByteOffset{at_.file_end}, view.first(stored)));
    at_.file_end += size;
    ++at_.chunks;
    at_.blocks += open_.blocks;
    open_ = {};
    return {};
}

Result<SparsePosition> SparseWriter::closed()
{
    SALVAGE_TRY(close_run());
    return at_;
}

Result<> SparseWriter::finish()
{
    SALVAGE_TRY(close_run());
    std::array<std::byte, header_bytes> header{};
    const auto view = std::span{header};
    store_le(view, sparse_magic);
    store_le(view.subspan(4), std::uint16_t{1}); // major version; minor is 0
    store_le(view.subspan(8), std::uint16_t{header_bytes});
    store_le(view.subspan(10), std::uint16_t{chunk_header_bytes});
    store_le(view.subspan(12), static_cast<std::uint32_t>(block_bytes));
    store_le(view.subspan(16), static_cast<std::uint32_t>(at_.blocks));
    store_le(view.subspan(20), static_cast<std::uint32_t>(at_.chunks));
    SALVAGE_TRY(file_->write_at(ByteOffset{0}, header));
    // A resumed file may be longer than what was written over it.
    return file_->set_size(ByteCount{at_.file_end});
}

} // namespace salvage::rescue
