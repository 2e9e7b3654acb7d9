// Scanning a source for blocks that are one word over and over, at the speed of memory.
#include "sparse_pieces_scan.hpp"

#include <algorithm>
#include <cstring>

namespace salvage::io {
namespace {

// Stays in the second-level cache, so that what was read is compared there.
constexpr std::uint64_t step_bytes = std::uint64_t{256} << 10U;
// A source is asked for its holes in windows: an image may have very many.
constexpr std::uint64_t window_bytes = std::uint64_t{64} << 20U;

/// A block is constant when it equals itself shifted by one word; memcmp finds that out as fast as the machine can.
bool is_one_word(ByteView block) noexcept
{
    constexpr auto word_bytes = sizeof(std::uint32_t);
    return std::memcmp(block.data(), block.data() + word_bytes, block.size() - word_bytes) == 0;
}

class RunScanner {
public:
    RunScanner(const ByteSource& source, std::uint32_t block_bytes, const std::function<void(const BlockRun&)>& sink,
               const RunContext& context)
        : source_{&source}, block_bytes_{block_bytes}, sink_{&sink}, context_{&context}, buffer_(step_bytes)
    {
    }

    Result<> scan() &&
    {
        const auto size = source_->size().value;
        for (std::uint64_t at = 0; at < size; at += window_bytes) {
            const auto end = std::min(size, at + window_bytes);
            SALVAGE_TRY(scan_window(ByteRange::between(ByteOffset{at}, ByteOffset{end})));
            context_->progress->update({.step = "sparse", .unit = "bytes", .done = end, .total = size});
        }
        flush();
        return {};
    }

private:
    /// Blocks wholly inside a hole are zeros and need no reading.
    Result<> scan_window(ByteRange window)
    {
        const auto extents = SALVAGE_TRY(source_->extents(window));
        auto at = window.start().value;
        for (const auto& extent : extents) {
            const auto first = (extent.range.start().value + block_bytes_ - 1) / block_bytes_ * block_bytes_;
            const auto end = extent.range.end().value / block_bytes_ * block_bytes_;
            if (extent.kind == ExtentKind::hole && first < end) {
                SALVAGE_TRY(scan_data(at, first));
                add({.first = first / block_bytes_,
                     .blocks = (end - first) / block_bytes_,
                     .word = 0,
                     .kind = BlockRun::Kind::fill});
                at = end;
            }
        }
        SALVAGE_TRY(scan_data(at, window.end().value));
        return {};
    }

    Result<> scan_data(std::uint64_t at, std::uint64_t end)
    {
        while (at < end) {
            if (context_->is_stopped()) {
                return cancelled("cutting the image into sparse pieces was stopped");
            }
            const auto bytes = std::span{buffer_}.first(static_cast<std::size_t>(std::min(step_bytes, end - at)));
            SALVAGE_TRY(source_->read_at(ByteOffset{at}, bytes).in("cutting the image into sparse pieces"));
            for (std::size_t i = 0; i < bytes.size(); i += block_bytes_) {
                add_block((at + i) / block_bytes_, bytes.subspan(i, block_bytes_));
            }
            at += bytes.size();
        }
        return {};
    }

    void add_block(std::uint64_t number, ByteView block)
    {
        const bool is_fill = is_one_word(block);
        add({.first = number,
             .blocks = 1,
             .word = is_fill ? load_le<std::uint32_t>(block) : 0,
             .kind = is_fill ? BlockRun::Kind::fill : BlockRun::Kind::raw});
    }

    void add(const BlockRun& run)
    {
        if (run_.blocks != 0 && run_.kind == run.kind && run_.word == run.word) {
            run_.blocks += run.blocks;
            return;
        }
        flush();
        run_ = run;
    }

    void flush()
    {
        if (run_.blocks != 0) {
            (*sink_)(run_);
        }
        run_ = {};
    }

    const ByteSource* source_;
    std::uint64_t block_bytes_;
    const std::function<void(const BlockRun&)>* sink_;
    const RunContext* context_;
    Bytes buffer_;
    BlockRun run_;
};

} // namespace

Result<> scan_block_runs(const ByteSource& source, std::uint32_t block_bytes,
                         const std::function<void(const BlockRun&)>& sink, const RunContext& context)
{
    return RunScanner{source, block_bytes, sink, context}.scan();
}

} // namespace salvage::io
