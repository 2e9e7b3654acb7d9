// Cutting a dump into one image a partition, in one pass.  The folder is described in docs/formats/split-manifest.md.
#include "salvage/rescue/split.hpp"

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "rescue/hash_lane.hpp"
#include "rescue/out_folder.hpp"
#include "rescue/pieces.hpp"
#include "rescue/split_plan.hpp"
#include "rescue/split_state.hpp"
#include "salvage/core/text.hpp"
#include "salvage/io/output_file.hpp"
#include "salvage/io/sources.hpp"
#include "salvage/rescue/look.hpp"

namespace salvage::rescue {
namespace {

using Json = nlohmann::ordered_json;

// Enough for reading, hashing twice and writing to overlap.
constexpr std::size_t buffers = 8;

ByteCount total_of(const std::vector<ByteRange>& ranges)
{
    ByteCount out;
    for (const auto& range : ranges) {
        out = out + range.size();
    }
    return out;
}

/// Bytes done of all that will be read, told as it goes.
class Meter {
public:
    Meter(const RunContext& context, ByteCount total) : context_{&context}, total_{total} {}
    Result<> add(std::uint64_t bytes)
    {
        done_ += bytes;
        context_->progress->update({.step = "split", .unit = "bytes", .done = done_, .total = total_.value});
        return context_->is_stopped() ? Result<>{cancelled("splitting the dump")} : Result<>{};
    }

private:
    const RunContext* context_;
    ByteCount total_;
    std::uint64_t done_{0};
};

/// A part while its bytes go by.
struct OpenPart {
    const PlannedPart* plan;
    io::OutputFile file;
    crypto::Sha256 hash;
    Losses losses;
};

class Splitter {
public:
    Splitter(io::SourcePtr dump, SplitPlan plan, OutFolder folder, Hashing hashing, const RunContext& context)
        : dump_{std::move(dump)}, plan_{std::move(plan)}, folder_{std::move(folder)}, hashing_{hashing},
          context_{&context}
    {
        std::erase_if(plan_.parts, [this](const PlannedPart& part) {
            return !part.is_wanted && !finished_from(folder_.state(), part);
        });
        finished_.resize(plan_.parts.size());
        if (is_hashing()) {
            whole_lane_.emplace();
            part_lane_.emplace();
        }
    }

    Result<SplitReport> run()
    {
        SALVAGE_TRY(find_finished());
        recall_whole();
        const auto ranges = ranges_to_read();
        Meter meter{*context_, total_of(ranges) + size_to_verify()};
        SALVAGE_TRY(verify_finished(meter));
        SALVAGE_TRY(read(ranges, meter));
        SALVAGE_TRY(remember_whole(ranges));
        return report();
    }

private:
    [[nodiscard]] std::filesystem::path path_of(const PlannedPart& part) const { return folder_.path() / part.file; }
    [[nodiscard]] ByteRange present(ByteRange range) const { return range.intersection(io::whole(*dump_)); }

    /// Parts of an earlier run.  A file that no run of ours finished is not ours to touch.
    Result<> find_finished()
    {
        for (std::size_t i = 0; i < plan_.parts.size(); ++i) {
            const auto& part = plan_.parts[i];
            std::error_code problem;
            if (!std::filesystem::exists(std::filesystem::symlink_status(path_of(part), problem))) {
                continue;
            }
            finished_[i] = finished_from(folder_.state(), part);
            const auto size = std::filesystem::file_size(path_of(part), problem);
            if (!finished_[i] || problem || size != part.range.size().value) {
                return not_ours(part);
            }
        }
        return {};
    }

    [[nodiscard]] Error not_ours(const PlannedPart& part) const
    {
        return Error{ErrorCode::already_exists,
                     fmt::format("{} exists and is not what was written there", path_of(part).string()),
                     "its size or its SHA-256 is another than recorded",
                     std::nullopt,
                     "move it away and run the same command again",
                     {}};
    }

    [[nodiscard]] ByteCount size_to_verify() const
    {
        ByteCount out;
        for (std::size_t i = 0; i < plan_.parts.size(); ++i) {
            out = has_to_verify(i) ? out + plan_.parts[i].range.size() : out;
        }
        return out;
    }

    [[nodiscard]] bool has_to_verify(std::size_t i) const
    {
        return is_hashing() && finished_[i] && plan_.parts[i].is_wanted;
    }
    [[nodiscard]] bool is_hashing() const noexcept { return hashing_ == Hashing::yes; }
    [[nodiscard]] std::size_t piece_bytes() const noexcept { return is_hashing() ? chunk_bytes : near_bytes; }

    Result<> verify_finished(Meter& meter)
    {
        for (std::size_t i = 0; i < plan_.parts.size(); ++i) {
            if (!has_to_verify(i)) {
                continue;
            }
            const auto sum = SALVAGE_TRY(
                sha256_of_file(path_of(plan_.parts[i]), [&meter](std::uint64_t bytes) { return meter.add(bytes); }));
            if (sum != finished_[i]->sha256) {
                return not_ours(plan_.parts[i]);
            }
            context_->log->write("split.kept", fmt::format("{} is finished already", plan_.parts[i].file));
        }
        return {};
    }

    /// Takes what an earlier, complete run knew of the whole dump.
    void recall_whole()
    {
        const auto& state = folder_.state();
        const auto known = state.find("whole");
        const auto has_all = std::ranges::all_of(finished_, [](const auto& one) { return one.has_value(); });
        if (!plan_.is_whole || !has_all || known == state.end() || !known->is_object()) {
            return;
        }
        if (auto gaps = ranges_of(*known, "gaps")) {
            gaps_with_data_ = *std::move(gaps);
            whole_sha256_ = get_text(*known, "sha256").value_or(std::string{});
            is_whole_known_ = true;
        }
    }

    [[nodiscard]] std::vector<ByteRange> ranges_to_read() const
    {
        if (is_whole_known_ || dump_->size().value == 0) {
            return {};
        }
        if (plan_.is_whole) {
            return {io::whole(*dump_)};
        }
        std::vector<ByteRange> out;
        for (std::size_t i = 0; i < plan_.parts.size(); ++i) {
            const auto range = present(plan_.parts[i].range);
            if (finished_[i] || !plan_.parts[i].is_wanted) {
                continue;
            }
            if (!out.empty() && range.start() <= out.back().end()) {
                out.back() = ByteRange::between(out.back().start(), std::max(out.back().end(), range.end()));
            } else {
                out.push_back(range);
            }
        }
        return out;
    }

    Result<> read(const std::vector<ByteRange>& ranges, Meter& meter)
    {
        for (const auto& range : ranges) {
            for (auto at = range.start(); at < range.end();) {
                const auto boundary = ByteOffset{at.value - (at.value % piece_bytes()) + piece_bytes()};
                const auto chunk = ByteRange::between(at, std::min(boundary, range.end()));
                auto done = take_chunk(chunk);
                if (!done.has_value()) {
                    return with_need(std::move(done).error(), still_needed(at), folder_.path());
                }
                SALVAGE_TRY(meter.add(chunk.size().value));
                at = chunk.end();
            }
        }
        return {};
    }

    /// Bytes of unfinished parts from `at` on.
    [[nodiscard]] ByteCount still_needed(ByteOffset at) const
    {
        ByteCount out;
        for (std::size_t i = 0; i < plan_.parts.size(); ++i) {
            const auto range = present(plan_.parts[i].range);
            if (!finished_[i] && plan_.parts[i].is_wanted && range.end() > at) {
                out = out + (range.end() - std::max(range.start(), at));
            }
        }
        return out;
    }

    Result<> take_chunk(ByteRange chunk)
    {
        SALVAGE_TRY(open_parts(chunk.end()));
        auto buffer = pool_.take();
        const auto count = static_cast<std::size_t>(chunk.size().value);
        const auto bytes = std::span{*buffer}.first(count);
        const auto absent = is_hashing() ? Absent::zeros : Absent::stale;
        const auto extents =
            SALVAGE_TRY(read_what_is_there(*dump_, chunk, bytes, Tolerate::unreadable, absent).in("reading the dump"));
        whole_losses_.add(extents);
        if (plan_.is_whole) {
            if (is_hashing()) {
                whole_lane_->update(whole_hash_, buffer, 0, count);
            }
            note_gaps(chunk, extents, bytes);
        }
        for (auto& part : open_) {
            SALVAGE_TRY(feed(*part, chunk, extents, buffer));
        }
        return close_parts(chunk.end());
    }

    /// Opens what begins before `end`.
    Result<> open_parts(ByteOffset end)
    {
        for (; next_ < plan_.parts.size() && plan_.parts[next_].range.start() < end; ++next_) {
            if (finished_[next_] || !plan_.parts[next_].is_wanted) {
                continue;
            }
            const auto& plan = plan_.parts[next_];
            auto file = SALVAGE_TRY(io::OutputFile::create(path_of(plan)));
            SALVAGE_TRY(file.set_size(plan.range.size()));
            open_.push_back(
                std::make_unique<OpenPart>(OpenPart{.plan = &plan, .file = std::move(file), .hash = {}, .losses = {}}));
        }
        return {};
    }

    Result<> feed(OpenPart& part, ByteRange chunk, const std::vector<io::Extent>& extents,
                  const std::shared_ptr<Bytes>& buffer)
    {
        const auto wanted = chunk.intersection(part.plan->range);
        const auto place_of = [&](ByteOffset at) { return static_cast<std::size_t>((at - chunk.start()).value); };
        for (const auto& extent : extents) {
            const auto range = extent.range.intersection(wanted);
            if (range.is_empty()) {
                continue;
            }
            if (extent.kind == io::ExtentKind::unreadable) {
                part.losses.add(range);
            } else if (extent.kind == io::ExtentKind::data) {
                const auto at = ByteOffset{(range.start() - part.plan->range.start()).value};
                SALVAGE_TRY(part.file.write_sparse_at(
                    at,
                    ByteView{*buffer}.subspan(place_of(range.start()), static_cast<std::size_t>(range.size().value))));
            }
        }
        if (!wanted.is_empty() && is_hashing()) {
            part_lane_->update(part.hash, buffer, place_of(wanted.start()),
                               static_cast<std::size_t>(wanted.size().value));
        }
        return {};
    }

    /// Finishes what ends at or before `at`, or where the dump does.
    Result<> close_parts(ByteOffset at)
    {
        for (std::size_t i = 0; i < open_.size();) {
            if (present(open_[i]->plan->range).end() > at) {
                ++i;
                continue;
            }
            SALVAGE_TRY(finish(*open_[i]));
            open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(i));
        }
        return {};
    }

    Result<> finish(OpenPart& part)
    {
        const auto there = present(part.plan->range);
        part.losses.add(ByteRange::between(there.end(), part.plan->range.end()));
        FinishedPart finished{.sha256 = {}, .lost = part.losses.ranges()};
        if (is_hashing()) {
            part_lane_->wait();
            hash_zeros(part.hash, (part.plan->range.end() - there.end()).value);
            finished.sha256 = to_hex(part.hash.finish());
        }
        // First the record, then the name: a file under its own name always has one.
        folder_.state()["parts"][part.plan->file] = to_json(*part.plan, finished);
        SALVAGE_TRY(part.file.flush());
        SALVAGE_TRY(folder_.save_state());
        SALVAGE_TRY(part.file.commit());
        finished_[static_cast<std::size_t>(part.plan - plan_.parts.data())] = std::move(finished);
        return {};
    }

    void note_gaps(ByteRange chunk, const std::vector<io::Extent>& extents, std::span<const std::byte> bytes)
    {
        while (next_gap_ < plan_.gaps.size() && plan_.gaps[next_gap_].start() < chunk.end()) {
            const auto& gap = plan_.gaps[next_gap_];
            const auto range = gap.intersection(chunk);
            const auto may_matter = [&](const io::Extent& extent) {
                const auto there = extent.range.intersection(range);
                if (there.is_empty() || extent.kind == io::ExtentKind::hole) {
                    return false;
                }
                const auto content = bytes.subspan(static_cast<std::size_t>((there.start() - chunk.start()).value),
                                                   static_cast<std::size_t>(there.size().value));
                return extent.kind == io::ExtentKind::unreadable || !is_all_zero(content);
            };
            const auto has_data = std::ranges::any_of(extents, may_matter);
            if (has_data && (gaps_with_data_.empty() || gaps_with_data_.back() != gap)) {
                gaps_with_data_.push_back(gap);
            }
            if (gap.end() > chunk.end()) {
                return;
            }
            ++next_gap_;
        }
    }

    Result<> remember_whole(const std::vector<ByteRange>& ranges)
    {
        if (!plan_.is_whole || ranges.empty()) {
            return {};
        }
        if (is_hashing()) {
            whole_lane_->wait();
            whole_sha256_ = whole_losses_.is_empty() ? to_hex(whole_hash_.finish()) : std::string{};
        }
        folder_.state()["whole"] = {{"sha256", whole_sha256_}, {"gaps", ranges_json(gaps_with_data_)}};
        return folder_.save_state();
    }

    Result<SplitReport> report()
    {
        SplitReport out;
        out.gaps = gaps_with_data_;
        out.sha256 = whole_sha256_;
        out.not_written = plan_.not_written;
        out.manifest = (folder_.path() / "manifest.json").string();
        out.sums = is_hashing() ? (folder_.path() / "SHA256SUMS").string() : std::string{};
        std::string sums;
        auto parts = Json::array();
        for (std::size_t i = 0; i < plan_.parts.size(); ++i) {
            if (!finished_[i]) {
                continue; // not asked for, and gone since an earlier run wrote it
            }
            const auto& plan = plan_.parts[i];
            const auto& finished = *finished_[i];
            SplitPart part{.name = plan.name,
                           .file = plan.file,
                           .range = plan.range,
                           .sha256 = finished.lost.empty() ? finished.sha256 : std::string{},
                           .lost = total_of(finished.lost),
                           .is_cut = present(plan.range) != plan.range};
            sums += sums_line(finished.sha256, part.file);
            parts.push_back(manifest_part(plan, part, finished));
            if (plan.is_wanted) {
                out.parts.push_back(std::move(part));
            }
        }
        if (is_hashing()) {
            SALVAGE_TRY(io::write_file_atomically(out.sums, as_bytes(sums), io::Existing::replace));
        }
        auto manifest = Json::object();
        manifest["schema"] = "salvage.split-manifest/1";
        put_text(manifest, "source", get_text(folder_.state(), "source").value_or(std::string{}));
        manifest["size"] = dump_->size().value;
        manifest["sha256"] = out.sha256.empty() ? Json(nullptr) : Json(out.sha256);
        manifest["parts"] = std::move(parts);
        manifest["gaps"] = plan_.is_whole ? ranges_json(out.gaps) : Json(nullptr);
        manifest["not_written"] = out.not_written;
        const auto text = manifest.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
        SALVAGE_TRY(io::write_file_atomically(out.manifest, as_bytes(text), io::Existing::replace));
        return out;
    }

    static Json manifest_part(const PlannedPart& plan, const SplitPart& part, const FinishedPart& finished)
    {
        Json out;
        put_text(out, "name", part.name);
        out["file"] = part.file;
        out["table"] = plan.is_gap ? Json(nullptr) : Json(plan.table);
        out["start"] = part.range.start().value;
        out["size"] = part.range.size().value;
        out["sha256"] = part.sha256.empty() ? Json(nullptr) : Json(part.sha256);
        out["stored_sha256"] = finished.sha256.empty() ? Json(nullptr) : Json(finished.sha256);
        out["lost_bytes"] = part.lost.value;
        out["lost"] = ranges_json(finished.lost);
        out["cut"] = part.is_cut;
        return out;
    }

    io::SourcePtr dump_;
    SplitPlan plan_;
    OutFolder folder_;
    Hashing hashing_;
    const RunContext* context_;
    std::vector<std::optional<FinishedPart>> finished_; ///< one for each part of the plan
    std::vector<ByteRange> gaps_with_data_;
    std::string whole_sha256_;
    bool is_whole_known_{false};

    // While the dump goes by.  The lanes come last: they end before what they hash.
    std::size_t next_{0};
    std::size_t next_gap_{0};
    std::vector<std::unique_ptr<OpenPart>> open_;
    crypto::Sha256 whole_hash_;
    Losses whole_losses_;
    BufferPool pool_{is_hashing() ? buffers : 1, piece_bytes()};
    std::optional<HashLane> whole_lane_; ///< with hashing only, as the next
    std::optional<HashLane> part_lane_;
};

} // namespace

Result<SplitReport> split(const io::SourcePtr& dump, const partition::Layout& layout, const std::filesystem::path& out,
                          const SplitOptions& options, const RunContext& context)
{
    auto plan = SALVAGE_TRY(plan_split(layout, dump->size(), options));
    const auto source = options.source_identity + (options.hashing == Hashing::yes ? "" : "; without hashes");
    auto folder = SALVAGE_TRY(OutFolder::claim(
        out,
        {.state_name = ".salvage-split.json", .schema = "salvage.split-state/1", .source = source, .work = "split"}));
    return Splitter{dump, std::move(plan), std::move(folder), options.hashing, context}.run();
}

} // namespace salvage::rescue
