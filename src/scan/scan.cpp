// The one pass.  This thread reads, searches and sums up blocks while the bytes are in its cache; a second one hashes.
#include "salvage/scan/scan.hpp"

#include <algorithm>
#include <utility>

#include "salvage/scan/matcher.hpp"
#include "scan/block_map.hpp"
#include "scan/buffers.hpp"
#include "scan/hash_lane.hpp"
#include "scan/reading.hpp"

namespace salvage::scan {
namespace {

/// Progress is told so often.
constexpr std::uint64_t progress_bytes = std::uint64_t{4} << 20U;

/// Keeps hits up to a number for each pattern and counts the rest.
class HitList {
public:
    HitList(std::size_t patterns, std::uint64_t max_per_pattern) : counts_(patterns, 0), max_{max_per_pattern} {}

    void add(const Hit& hit)
    {
        auto& count = counts_[hit.pattern];
        if (count < max_) {
            hits_.push_back(hit);
        }
        ++count;
    }
    void move_to(ScanResult& result) &&
    {
        std::ranges::sort(hits_);
        result.hits = std::move(hits_);
        result.hit_counts = std::move(counts_);
    }

private:
    std::vector<Hit> hits_;
    std::vector<std::uint64_t> counts_;
    std::uint64_t max_;
};

/// Shows a matcher a stretch of bytes piece by piece, so that hits across pieces are found once.
class Searcher {
public:
    Searcher(Matcher matcher, const ScanOptions& options)
        : matcher_{std::move(matcher)}, hits_{options.patterns.size(), options.max_hits_per_pattern},
          sink_{[this](const Hit& hit) { hits_.add(hit); }},
          finds_zeros_{
              std::ranges::any_of(options.patterns, [](const Pattern& pattern) { return is_all_zero(pattern.bytes); })}
    {
    }
    Searcher(const Searcher&) = delete;
    Searcher& operator=(const Searcher&) = delete;
    ~Searcher() = default;

    /// The bytes at `at`, which follow those of the call before, lie at the start of `buffer`'s chunk.
    void search_chunk(ChunkBuffer& buffer, std::size_t size, ByteOffset at)
    {
        if (matcher_.longest() == 0) {
            return;
        }
        const auto bytes = buffer.with_carry(carry_, size);
        matcher_.find(bytes, carry_.size(), at - ByteCount{carry_.size()}, sink_);
        keep_tail(bytes);
    }
    /// Bytes that follow nothing that was read.
    void search_alone(ByteView bytes, ByteOffset at)
    {
        matcher_.find(bytes, 0, at, sink_);
        keep_tail(bytes);
    }
    /// Nothing that was searched so far lies directly before what comes next.
    void forget() noexcept { carry_.clear(); }

    /// How many zero bytes at the front of a hole must be searched; behind them, only all-zero patterns could begin.
    [[nodiscard]] std::uint64_t wanted_of_hole(std::uint64_t size) const noexcept
    {
        return finds_zeros_ ? size : std::min<std::uint64_t>(size, matcher_.longest());
    }
    /// What comes next follows zero bytes.
    void skip_zeros() { carry_.assign(carry_bytes(), std::byte{0}); }

    void move_to(ScanResult& result) && { std::move(hits_).move_to(result); }

private:
    [[nodiscard]] std::size_t carry_bytes() const noexcept { return std::max<std::size_t>(matcher_.longest(), 1) - 1; }
    void keep_tail(ByteView bytes)
    {
        const auto tail = bytes.last(std::min(carry_bytes(), bytes.size()));
        carry_.assign(tail.begin(), tail.end());
    }

    Matcher matcher_;
    HitList hits_;
    HitSink sink_;
    bool finds_zeros_;
    Bytes carry_;
};

class Pass {
public:
    Pass(const io::ByteSource& source, ByteRange range, const ScanOptions& options, const RunContext& context,
         Matcher matcher)
        : source_{source}, range_{range}, context_{context}, reader_{source, context},
          searcher_{std::move(matcher), options}, blocks_{range, options.block, options.with_entropy},
          lane_{options.with_sha256 ? Hashing::yes : Hashing::no}
    {
    }

    Result<ScanResult> run()
    {
        tell(range_.start());
        // At once: a file's next hole may cost a walk through all of its pages, for each time it is asked for.
        const auto extents = SALVAGE_TRY(source_.extents(range_));
        for (const auto& extent : extents) {
            SALVAGE_TRY(pass(extent));
        }
        tell(range_.end());
        return finish();
    }

private:
    Result<> pass(const io::Extent& extent)
    {
        switch (extent.kind) {
        case io::ExtentKind::data: return pass_data(extent.range);
        case io::ExtentKind::hole: return pass_hole(extent.range);
        case io::ExtentKind::unreadable: pass_unreadable(extent.range); break;
        }
        return {};
    }

    Result<> pass_data(ByteRange range)
    {
        for (auto at = range.start(); at < range.end();) {
            // Up to a multiple of the chunk's size, so that all reads but the first are aligned.
            const auto size = std::min(chunk_bytes - (at.value % chunk_bytes), (range.end() - at).value);
            SALVAGE_TRY(pass_chunk(ByteRange::between(at, at + ByteCount{size})));
            at = at + ByteCount{size};
            SALVAGE_TRY(step(at));
        }
        return {};
    }

    Result<> pass_chunk(ByteRange range)
    {
        auto& buffer = lane_.buffer();
        const auto size = static_cast<std::size_t>(range.size().value);
        const auto pieces = SALVAGE_TRY(reader_.read(range, buffer.chunk().first(size)));
        const bool is_whole = pieces.size() == 1 && pieces.front().kind == io::ExtentKind::data;
        if (is_whole) {
            searcher_.search_chunk(buffer, size, range.start());
            blocks_.add_bytes(buffer.chunk().first(size));
            extents_.push_back(pieces.front());
            lane_.submit(size);
            return {};
        }
        for (const auto& piece : pieces) {
            if (piece.kind == io::ExtentKind::unreadable) {
                pass_unreadable(piece.range);
                continue;
            }
            pass_piece(buffer, piece.range, range.start());
        }
        return {};
    }

    /// What could be read of a chunk that has unreadable bytes.
    void pass_piece(ChunkBuffer& buffer, ByteRange range, ByteOffset chunk_at)
    {
        const auto size = static_cast<std::size_t>(range.size().value);
        const auto offset = static_cast<std::size_t>((range.start() - chunk_at).value);
        const auto bytes = buffer.chunk().subspan(offset, size);
        if (offset == 0) {
            searcher_.search_chunk(buffer, size, range.start());
        } else {
            searcher_.search_alone(bytes, range.start());
        }
        blocks_.add_bytes(bytes);
        extents_.push_back({.range = range, .kind = io::ExtentKind::data});
    }

    Result<> pass_hole(ByteRange range)
    {
        blocks_.add_hole(range.size());
        extents_.push_back({.range = range, .kind = io::ExtentKind::hole});
        const auto wanted = searcher_.wanted_of_hole(range.size().value);
        const auto end_of_wanted = range.start() + ByteCount{wanted};
        for (auto at = range.start(); at < range.end();) {
            const auto is_searched = at < end_of_wanted;
            if (!is_searched && !lane_.is_hashing()) {
                break;
            }
            const auto end = is_searched ? end_of_wanted : range.end();
            const auto size = std::min<std::uint64_t>(chunk_bytes, (end - at).value);
            if (is_searched) {
                searcher_.search_chunk(zeros(), static_cast<std::size_t>(size), at);
            }
            lane_.submit_zeros(static_cast<std::size_t>(size));
            at = at + ByteCount{size};
            SALVAGE_TRY(step(at));
        }
        if (wanted < range.size().value) {
            searcher_.skip_zeros();
        }
        return step(range.end());
    }

    void pass_unreadable(ByteRange range)
    {
        lane_.give_up();
        searcher_.forget();
        blocks_.add_unreadable(range.size());
        extents_.push_back({.range = range, .kind = io::ExtentKind::unreadable});
        unreadable_ = unreadable_ + range.size();
    }

    ChunkBuffer& zeros()
    {
        if (!zeros_) {
            zeros_.emplace();
            std::ranges::fill(zeros_->chunk(), std::byte{0});
        }
        return *zeros_;
    }

    /// Everything before `at` is done.
    Result<> step(ByteOffset at)
    {
        if (context_.is_stopped()) {
            return cancelled("scanning the dump");
        }
        if ((at - told_).value >= progress_bytes) {
            tell(at);
        }
        return {};
    }

    void tell(ByteOffset at)
    {
        told_ = at;
        context_.progress->update(
            {.step = "scan", .unit = "bytes", .done = (at - range_.start()).value, .total = range_.size().value});
    }

    ScanResult finish()
    {
        ScanResult result{.range = range_,
                          .hits = {},
                          .hit_counts = {},
                          .sha256 = lane_.finish(),
                          .block = blocks_.block(),
                          .blocks = {},
                          .extents = io::merged(std::move(extents_)),
                          .zero_bytes = blocks_.zero_bytes(),
                          .unreadable_bytes = unreadable_};
        result.blocks = std::move(blocks_).take_blocks();
        std::move(searcher_).move_to(result);
        return result;
    }

    const io::ByteSource& source_;
    ByteRange range_;
    const RunContext& context_;
    PatientReader reader_;
    Searcher searcher_;
    BlockMap blocks_;
    std::vector<io::Extent> extents_;
    std::optional<ChunkBuffer> zeros_;
    ByteCount unreadable_{};
    ByteOffset told_{};
    HashLane lane_;
};

} // namespace

Result<ScanResult> scan(const io::ByteSource& source, const ScanOptions& options, const RunContext& context)
{
    const auto range = options.range.value_or(io::whole(source));
    SALVAGE_TRY(io::check_range(source, range.start(), range.size()));
    if (options.block.value == 0) {
        return invalid_argument("the unit of the entropy map is 0 bytes");
    }
    const auto isa = SALVAGE_TRY(isa_in_use());
    auto matcher = SALVAGE_TRY(Matcher::make(options.patterns, isa));
    return Pass{source, range, options, context, std::move(matcher)}.run();
}

} // namespace salvage::scan
