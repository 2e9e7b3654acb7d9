// Looking for bytes and nothing else: every core takes the next stretch of the source, reads it and searches it.
#include <algorithm>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "salvage/scan/matcher.hpp"
#include "salvage/scan/scan.hpp"
#include "scan/reading.hpp"

namespace salvage::scan {
namespace {

/// A stretch.  Threads take them in order and read beside each other, so a disk is read as good as from front to back.
constexpr std::uint64_t stretch_bytes = std::uint64_t{1} << 20U;
/// Further threads would only wait for memory.
constexpr unsigned max_threads = 4;

/// Where hits may begin, and up to where they may be read.
struct Area {
    ByteRange starts;
    ByteOffset readable_to; ///< the next place that cannot be read, or the end
};

/// For each extent the start of the next one behind it, or the same, that cannot be read; else the end.
std::vector<ByteOffset> readable_ends(const std::vector<io::Extent>& extents, ByteOffset end)
{
    std::vector<ByteOffset> out(extents.size());
    for (auto i = extents.size(); i-- > 0;) {
        end = extents[i].kind == io::ExtentKind::unreadable ? extents[i].range.start() : end;
        out[i] = end;
    }
    return out;
}

/// Of holes only the last bytes count, for what begins in them and goes on behind; `is_in_zeros`: something that is
/// looked for lies in zeros alone.
std::vector<Area> areas_of(const std::vector<io::Extent>& extents, ByteRange whole, std::uint64_t longest,
                           bool is_in_zeros)
{
    std::vector<Area> out;
    const auto ends = readable_ends(extents, whole.end());
    auto readable_from = whole.start();
    for (std::size_t i = 0; i < extents.size(); ++i) {
        const auto& extent = extents[i];
        if (extent.kind == io::ExtentKind::unreadable) {
            readable_from = extent.range.end();
            continue;
        }
        if (extent.range.is_empty() || (extent.kind == io::ExtentKind::hole && !is_in_zeros)) {
            continue;
        }
        const auto before = std::min(longest - 1, (extent.range.start() - readable_from).value);
        auto start = extent.range.start() - ByteCount{before};
        start = out.empty() ? start : std::max(start, out.back().starts.end());
        out.push_back({.starts = ByteRange::between(start, extent.range.end()), .readable_to = ends[i]});
    }
    return out;
}

/// Hands the areas out piece by piece, and is told what came of it.  Thread safe.
class Stretches {
public:
    Stretches(std::vector<Area> areas, ByteRange whole, const RunContext& context)
        : areas_{std::move(areas)}, whole_{whole}, context_{context}
    {
        tell(0);
    }

    /// Nothing: all are taken, or the search has ended.
    std::optional<Area> next()
    {
        const std::scoped_lock lock{mutex_};
        if (error_ || at_ == areas_.size()) {
            return std::nullopt;
        }
        if (context_.is_stopped()) {
            error_ = cancelled("searching the dump");
            return std::nullopt;
        }
        const auto& area = areas_[at_];
        const auto start = std::max(from_, area.starts.start());
        const auto end = std::min(start + ByteCount{stretch_bytes}, area.starts.end());
        from_ = end;
        if (end == area.starts.end()) {
            ++at_;
        }
        tell((start - whole_.start()).value);
        return Area{.starts = ByteRange::between(start, end), .readable_to = area.readable_to};
    }

    void fail(Error error)
    {
        const std::scoped_lock lock{mutex_};
        if (!error_) {
            error_ = std::move(error);
        }
    }

    Result<> finish()
    {
        if (error_) {
            return *std::move(error_);
        }
        told_ = 0;
        tell(whole_.size().value);
        return {};
    }

private:
    void tell(std::uint64_t done)
    {
        constexpr std::uint64_t often = std::uint64_t{4} << 20U;
        if (done != 0 && done != whole_.size().value && done - told_ < often) {
            return;
        }
        told_ = done;
        context_.progress->update({.step = "scan", .unit = "bytes", .done = done, .total = whole_.size().value});
    }

    std::vector<Area> areas_;
    ByteRange whole_;
    const RunContext& context_;
    std::mutex mutex_;
    std::size_t at_{0};
    ByteOffset from_{};
    std::uint64_t told_{0};
    std::optional<Error> error_;
};

/// What one thread found.
class Finder {
public:
    Finder(const io::ByteSource& source, const Matcher& matcher, const SearchOptions& options,
           const RunContext& context)
        : matcher_{matcher}, reader_{source, context}, max_{options.max_hits_per_pattern},
          counts_(options.patterns.size(), 0), buffer_(stretch_bytes + matcher.longest())
    {
    }

    void run(Stretches& stretches)
    {
        while (const auto area = stretches.next()) {
            if (auto done = search(*area); !done.has_value()) {
                stretches.fail(std::move(done).error());
                return;
            }
        }
    }

    void add_to(SearchResult& result) const
    {
        result.hits.insert(result.hits.end(), hits_.begin(), hits_.end());
        std::ranges::transform(result.hit_counts, counts_, result.hit_counts.begin(), std::plus{});
        result.unreadable_bytes = result.unreadable_bytes + unreadable_;
    }

private:
    Result<> search(const Area& area)
    {
        const auto longest = ByteCount{matcher_.longest() - 1};
        const auto end = std::min(area.starts.end() + longest, area.readable_to);
        const auto range = ByteRange::between(area.starts.start(), end);
        const std::span<std::byte> all{buffer_.data(), static_cast<std::size_t>(range.size().value)};
        const HitSink sink = [&](const Hit& hit) {
            if (hit.at < area.starts.end() && counts_[hit.pattern]++ < max_) {
                hits_.push_back(hit);
            }
        };
        for (const auto& piece : SALVAGE_TRY(reader_.read(range, all))) {
            if (piece.kind == io::ExtentKind::unreadable) {
                const auto own = piece.range.intersection(area.starts);
                unreadable_ = unreadable_ + own.size();
                continue;
            }
            const auto offset = static_cast<std::size_t>((piece.range.start() - range.start()).value);
            matcher_.find(all.subspan(offset, static_cast<std::size_t>(piece.range.size().value)), 0,
                          piece.range.start(), sink);
        }
        return {};
    }

    const Matcher& matcher_;
    PatientReader reader_;
    std::uint64_t max_;
    std::vector<Hit> hits_;
    std::vector<std::uint64_t> counts_;
    Bytes buffer_;
    ByteCount unreadable_{};
};

/// In order, and of each pattern as many as are wanted.
void keep_first(std::vector<Hit>& hits, std::size_t patterns, std::uint64_t max)
{
    std::ranges::sort(hits);
    std::vector<std::uint64_t> kept(patterns, 0);
    std::erase_if(hits, [&](const Hit& hit) { return kept[hit.pattern]++ >= max; });
}

unsigned threads_for(ByteRange whole)
{
    const auto useful = (whole.size().value / (4 * stretch_bytes)) + 1;
    const auto cores = std::clamp(std::thread::hardware_concurrency(), 1U, max_threads);
    return static_cast<unsigned>(std::min<std::uint64_t>(cores, useful));
}

} // namespace

Result<SearchResult> search(const io::ByteSource& source, const SearchOptions& options, const RunContext& context)
{
    const auto isa = SALVAGE_TRY(isa_in_use());
    const auto matcher = SALVAGE_TRY(Matcher::make(options.patterns, isa));
    SearchResult result{.hits = {}, .hit_counts = std::vector<std::uint64_t>(options.patterns.size(), 0)};
    if (options.patterns.empty()) {
        return result;
    }
    const auto whole = io::whole(source);
    const auto extents = SALVAGE_TRY(source.extents(whole));
    for (const auto& extent : extents) {
        if (extent.kind == io::ExtentKind::unreadable) {
            result.unreadable_bytes = result.unreadable_bytes + extent.range.size();
        }
    }
    const bool is_in_zeros =
        std::ranges::any_of(options.patterns, [](const Pattern& pattern) { return is_all_zero(pattern.bytes); });
    Stretches stretches{areas_of(extents, whole, matcher.longest(), is_in_zeros), whole, context};
    Finder own{source, matcher, options, context};
    std::vector<Finder> others;
    const auto others_wanted = threads_for(whole) - 1;
    others.reserve(others_wanted);
    for (unsigned i = 0; i < others_wanted; ++i) {
        others.emplace_back(source, matcher, options, context);
    }
    {
        std::vector<std::jthread> running;
        running.reserve(others_wanted);
        for (auto& finder : others) {
            running.emplace_back([&stretches, &finder] { finder.run(stretches); });
        }
        own.run(stretches);
    }
    SALVAGE_TRY(stretches.finish());
    own.add_to(result);
    for (const auto& finder : others) {
        finder.add_to(result);
    }
    keep_first(result.hits, options.patterns.size(), options.max_hits_per_pattern);
    return result;
}

} // namespace salvage::scan
