// Carving.  The folder is described in docs/formats/carved.md.
#include "salvage/rescue/carve.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "rescue/out_folder.hpp"
#include "rescue/photorec.hpp"
#include "rescue/unused_content.hpp"
#include "salvage/core/text.hpp"
#include "salvage/crypto/hash.hpp"
#include "salvage/io/output_file.hpp"
#include "salvage/io/sources.hpp"
#include "salvage/io/views.hpp"

namespace salvage::rescue {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::string_view work_name = ".salvage-carve.partial";
constexpr std::string_view manifest_name = "carved.jsonl";
constexpr std::string_view sums_name = "SHA256SUMS";
constexpr std::uint64_t least_block = 512;
constexpr std::uint64_t largest_block = 4096;
constexpr std::size_t copy_bytes = 1U << 20U;

struct Families {
    FileKind kind;
    std::string_view name; ///< of PhotoRec
};
// "mov" is every form built like QuickTime's: mp4, 3gp, m4a, HEIC; "riff" is avi, wav and WebP; "zip" is Office's, too.
constexpr std::array families{
    Families{FileKind::image, "jpg"},    Families{FileKind::image, "png"},       Families{FileKind::image, "gif"},
    Families{FileKind::image, "bmp"},    Families{FileKind::image, "tif"},       Families{FileKind::image, "mov"},
    Families{FileKind::image, "riff"},   Families{FileKind::video, "mov"},       Families{FileKind::video, "riff"},
    Families{FileKind::video, "mkv"},    Families{FileKind::video, "mpg"},       Families{FileKind::video, "asf"},
    Families{FileKind::video, "flv"},    Families{FileKind::audio, "mp3"},       Families{FileKind::audio, "amr"},
    Families{FileKind::audio, "ogg"},    Families{FileKind::audio, "flac"},      Families{FileKind::audio, "mov"},
    Families{FileKind::audio, "riff"},   Families{FileKind::document, "pdf"},    Families{FileKind::document, "doc"},
    Families{FileKind::document, "zip"}, Families{FileKind::database, "sqlite"},
};

std::vector<std::string> families_of(const CarveOptions& options)
{
    std::set<std::string> out;
    for (const auto& [kind, name] : families) {
        if (options.kinds.empty() || std::ranges::find(options.kinds, kind) != options.kinds.end()) {
            out.emplace(name);
        }
    }
    return options.is_everything ? std::vector<std::string>{} : std::vector<std::string>{out.begin(), out.end()};
}

/// The largest power of two that all areas begin and end at: files begin at blocks, and fewer of them fit chance.
ByteCount block_of(const std::vector<ByteRange>& areas)
{
    std::uint64_t all = largest_block;
    for (const auto& area : areas) {
        all = std::gcd(all, std::gcd(area.start().value, area.end().value));
    }
    return ByteCount{std::max(std::bit_floor(std::max(all, std::uint64_t{1})), least_block)};
}

/// Tells how far another program has read.
class Watched final : public io::ByteSource {
public:
    Watched(io::SourcePtr source, RunContext context) : source_{std::move(source)}, context_{std::move(context)} {}
    [[nodiscard]] ByteCount size() const noexcept override { return source_->size(); }
    Result<> read_at(ByteOffset at, std::span<std::byte> into) const override
    {
        context_.progress->update(
            {.step = "carve", .unit = "bytes", .done = at.value + into.size(), .total = source_->size().value});
        return source_->read_at(at, into);
    }
    Result<std::vector<io::Extent>> extents(ByteRange range) const override { return source_->extents(range); }
    [[nodiscard]] Location locate(ByteOffset at) const override { return source_->locate(at); }

private:
    io::SourcePtr source_;
    RunContext context_;
};

/// Runs of the gathered areas as ranges of the volume.
class AreaMap {
public:
    explicit AreaMap(const std::vector<ByteRange>& areas)
    {
        std::uint64_t start = 0;
        for (const auto& area : areas) {
            parts_.push_back({.start = start, .area = area});
            start += area.size().value;
        }
    }

    /// Neighbours joined.
    void add_to(std::vector<ByteRange>& out, ByteRange gathered) const
    {
        auto at = gathered.start().value;
        auto part = std::ranges::upper_bound(parts_, at, {}, &Part::start);
        for (part -= part == parts_.begin() ? 0 : 1; part != parts_.end() && at < gathered.end().value; ++part) {
            const auto inner = at - part->start;
            const auto count = std::min(gathered.end().value - at, part->area.size().value - inner);
            const auto start = part->area.start() + ByteCount{inner};
            const auto range = ByteRange::between(start, start + ByteCount{count});
            if (!out.empty() && out.back().end() == range.start()) {
                out.back() = ByteRange::between(out.back().start(), range.end());
            } else {
                out.push_back(range);
            }
            at += count;
        }
    }

private:
    struct Part {
        std::uint64_t start{};
        ByteRange area;
    };
    std::vector<Part> parts_;
};

struct HashedFile {
    ByteCount size;
    std::string sha256;
    std::int64_t mtime{}; ///< nanoseconds: PhotoRec sets it from what the file says of itself
};

Result<HashedFile> hash_file(const fs::path& path, const RunContext& context)
{
    const auto file = SALVAGE_TRY(io::open_file(path));
    crypto::Sha256 hash;
    Bytes buffer(copy_bytes);
    for (std::uint64_t at = 0; at < file->size().value;) {
        if (context.is_stopped()) {
            return cancelled("hashing carved files");
        }
        const auto count = std::min<std::uint64_t>(buffer.size(), file->size().value - at);
        const auto part = std::span{buffer}.first(static_cast<std::size_t>(count));
        SALVAGE_TRY(file->read_at(ByteOffset{at}, part));
        hash.update(part);
        at += count;
    }
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0) {
        return from_errno(errno, "a carved file cannot be looked at", path.string());
    }
    constexpr std::int64_t second = 1'000'000'000;
    return HashedFile{.size = file->size(),
                      .sha256 = to_hex(hash.finish()),
                      .mtime = status.st_mtim.tv_sec * second + status.st_mtim.tv_nsec};
}

/// "0000001f4000.jpg", where its first byte lies in the volume; of several from one place "…-2.jpg".
std::string name_for(const std::vector<ByteRange>& runs, const std::string& ending, std::set<std::string>& taken)
{
    const auto stem = runs.empty() ? std::string{"unplaced"} : fmt::format("{:012x}", runs.front().start().value);
    auto out = fmt::format("{}.{}", stem, ending);
    for (unsigned number = 2; !taken.insert(out).second; ++number) {
        out = fmt::format("{}-{}.{}", stem, number, ending);
    }
    return out;
}

Json runs_json(const io::ByteSource& source, const std::vector<ByteRange>& runs)
{
    auto out = Json::array();
    for (const auto& run : runs) {
        const auto chain = source.locate(run.start()).chain;
        const auto dump = chain.empty() ? run.start().value : chain.front().at.value;
        out.push_back({{"volume", run.start().value}, {"dump", dump}, {"size", run.size().value}});
    }
    return out;
}

class Carver {
public:
    Carver(OutFolder folder, const CarveOptions& options, const ShowSource& show, CommandRunner& runner,
           const RunContext& context)
        : folder_{std::move(folder)}, options_{&options}, show_{&show}, runner_{&runner}, context_{&context}
    {
    }

    Result<CarveReport> run(const std::vector<CarveSearch>& searches)
    {
        CarveReport report;
        SALVAGE_TRY(begin());
        for (const auto& search : searches) {
            report.parts.push_back(SALVAGE_TRY(carve_one(search).in("carving " + search.name)));
        }
        SALVAGE_TRY(io::write_file_atomically(work() / sums_name, as_bytes(sums_), io::Existing::replace));
        SALVAGE_TRY(io::write_file_atomically(work() / manifest_name, as_bytes(lines_), io::Existing::replace));
        SALVAGE_TRY(make_whole(searches));
        report.manifest = (folder_.path() / manifest_name).string();
        report.sums = (folder_.path() / sums_name).string();
        return report;
    }

    [[nodiscard]] static bool is_finished(const fs::path& folder)
    {
        std::error_code problem;
        return fs::exists(folder / manifest_name, problem);
    }

private:
    [[nodiscard]] fs::path work() const { return folder_.path() / work_name; }

    Result<> begin() const
    {
        std::error_code problem;
        fs::remove_all(work(), problem);
        fs::create_directory(work(), problem);
        return problem ? from_errno(problem.value(), "the folder for unfinished work cannot be made", work().string())
                       : Result<>{};
    }

    Result<CarvedPart> carve_one(const CarveSearch& search)
    {
        const auto content = SALVAGE_TRY(find_unused_content(*search.raw, search.areas, *context_));
        CarvedPart part{.name = search.name,
                        .searched = content.searched,
                        .empty = content.empty,
                        .unreadable = content.unreadable,
                        .files = 0,
                        .bytes = {},
                        .by_ending = {}};
        std::error_code problem;
        fs::create_directory(work() / search.name, problem);
        if (problem) {
            return from_errno(problem.value(), "a folder cannot be made", (work() / search.name).string());
        }
        if (!content.areas.empty()) {
            SALVAGE_TRY(carve_areas(search, content.areas, part));
        }
        return part;
    }

    Result<> carve_areas(const CarveSearch& search, const std::vector<ByteRange>& areas, CarvedPart& part)
    {
        const auto engine = work() / (".photorec-" + search.name);
        const auto shown_in = work() / (".image-" + search.name);
        std::error_code problem;
        fs::create_directory(engine, problem);
        fs::create_directory(shown_in, problem);
        auto gathered = SALVAGE_TRY(io::make_gathered(search.source, areas, "unused areas"));
        std::vector<PhotorecFile> found;
        {
            const auto shown =
                SALVAGE_TRY((*show_)(std::make_shared<Watched>(std::move(gathered), *context_), shown_in, *context_));
            found = SALVAGE_TRY(run_photorec({.image = shown->path(),
                                              .folder = fs::absolute(engine),
                                              .families = families_of(*options_),
                                              .block = block_of(areas)},
                                             *runner_, *context_));
        }
        SALVAGE_TRY(take(search, AreaMap{areas}, found, part));
        fs::remove_all(engine, problem);
        fs::remove_all(shown_in, problem);
        return {};
    }

    Result<> take(const CarveSearch& search, const AreaMap& map, const std::vector<PhotorecFile>& found,
                  CarvedPart& part)
    {
        std::set<std::string> taken;
        for (const auto& file : found) {
            std::vector<ByteRange> runs;
            for (const auto& run : file.runs) {
                map.add_to(runs, run.in_image);
            }
            const auto name = name_for(runs, file.ending, taken);
            const auto path = fmt::format("{}/{}", search.name, name);
            const auto hashed = SALVAGE_TRY(hash_file(file.path, *context_));
            std::error_code problem;
            fs::rename(file.path, work() / search.name / name, problem);
            if (problem) {
                return from_errno(problem.value(), "a carved file cannot be moved", file.path.string());
            }
            const Json line{{"path", path},
                            {"size", hashed.size.value},
                            {"sha256", hashed.sha256},
                            {"mtime", hashed.mtime},
                            {"runs", runs_json(*search.source, runs)}};
            lines_ += to_line(line);
            sums_ += sums_line(hashed.sha256, path);
            ++part.files;
            part.bytes = ByteCount{part.bytes.value + hashed.size.value};
            ++part.by_ending[file.ending];
        }
        return {};
    }

    /// Everything is on the medium first; the manifest comes last.
    Result<> make_whole(const std::vector<CarveSearch>& searches) const
    {
        ::syncfs(folder_.descriptor());
        std::vector<std::string> names;
        names.reserve(searches.size() + 2);
        for (const auto& search : searches) {
            names.push_back(search.name);
        }
        names.emplace_back(sums_name);
        names.emplace_back(manifest_name);
        for (const auto& name : names) {
            std::error_code problem;
            fs::rename(work() / name, folder_.path() / name, problem);
            if (problem) {
                return from_errno(problem.value(), "carved files cannot be moved to their place",
                                  (folder_.path() / name).string());
            }
        }
        std::error_code nothing_to_do;
        fs::remove_all(work(), nothing_to_do);
        return {};
    }

    OutFolder folder_;
    const CarveOptions* options_;
    const ShowSource* show_;
    CommandRunner* runner_;
    const RunContext* context_;
    std::string lines_;
    std::string sums_;
};

class CopiedSource final : public ShownSource {
public:
    explicit CopiedSource(fs::path path) : path_{std::move(path)} {}
    CopiedSource(const CopiedSource&) = delete;
    CopiedSource& operator=(const CopiedSource&) = delete;
    ~CopiedSource() override
    {
        std::error_code nothing_to_do;
        fs::remove(path_, nothing_to_do);
    }
    [[nodiscard]] const fs::path& path() const noexcept override { return path_; }

private:
    fs::path path_;
};

/// What an earlier run left when it was killed in its last moment: its folders stand, its manifest does not.
Result<> clear_unfinished(const fs::path& out, const std::vector<CarveSearch>& searches)
{
    for (const auto& search : searches) {
        std::error_code problem;
        fs::remove_all(out / search.name, problem);
        if (problem) {
            return from_errno(problem.value(), "what an unfinished run left cannot be removed",
                              (out / search.name).string());
        }
    }
    std::error_code nothing_to_do;
    fs::remove(out / sums_name, nothing_to_do);
    return {};
}

} // namespace

Result<std::unique_ptr<ShownSource>> show_as_copy(const io::SourcePtr& source, const fs::path& folder,
                                                  const RunContext& context)
{
    const auto path = folder / "unused.img";
    auto file = SALVAGE_TRY(io::OutputFile::create(path));
    SALVAGE_TRY(file.set_size(source->size()));
    Bytes buffer(copy_bytes);
    for (std::uint64_t at = 0; at < source->size().value;) {
        if (context.is_stopped()) {
            return cancelled("copying unused areas for PhotoRec");
        }
        const auto count = std::min<std::uint64_t>(buffer.size(), source->size().value - at);
        const auto part = std::span{buffer}.first(static_cast<std::size_t>(count));
        SALVAGE_TRY(source->read_at(ByteOffset{at}, part));
        if (auto written = file.write_sparse_at(ByteOffset{at}, part); !written.has_value()) {
            return with_need(std::move(written).error(), ByteCount{source->size().value - at}, folder);
        }
        at += count;
    }
    SALVAGE_TRY(file.commit());
    return std::make_unique<CopiedSource>(path);
}

Result<std::vector<CarveSearch>> carve_searches(const OpenedDump& opened)
{
    const auto& volume = *opened.outcome.volume;
    const auto files = SALVAGE_TRY(open_files(volume));
    auto areas = SALVAGE_TRY(files->unused_areas().in("finding what belongs to no file"));
    auto raw = volume.plain;
    if (volume.was_encrypted) {
        auto searches = SALVAGE_TRY(raw_carve_searches(opened.dump));
        raw = searches.front().source;
        searches.front().areas = areas;
        return std::vector<CarveSearch>{{.name = "decrypted", .source = volume.plain, .raw = raw, .areas = areas},
                                        std::move(searches.front())};
    }
    return std::vector<CarveSearch>{{.name = "unused", .source = raw, .raw = raw, .areas = std::move(areas)}};
}

Result<std::vector<CarveSearch>> raw_carve_searches(const Dump& dump)
{
    const auto userdata = userdata_of(dump);
    if (!userdata) {
        return not_found("the dump has no userdata", "no table names such a partition",
                         "carve a partition image: salvage split, then salvage carve --raw PART");
    }
    const auto source = SALVAGE_TRY(open_partition(dump, *userdata));
    return std::vector<CarveSearch>{{.name = "raw", .source = source, .raw = source, .areas = {io::whole(*source)}}};
}

Result<CarveReport> carve(const std::vector<CarveSearch>& searches, const fs::path& out, const CarveOptions& options,
                          const ShowSource& show, CommandRunner& runner, const RunContext& context)
{
    auto folder = SALVAGE_TRY(OutFolder::claim(out, {.state_name = ".salvage-carve.json",
                                                     .schema = "salvage.carve-state/1",
                                                     .source = options.source_identity,
                                                     .work = "carve"}));
    if (Carver::is_finished(out)) {
        return Error{ErrorCode::already_exists,
                     "this folder has been carved into already",
                     fmt::format("{} is there", (out / manifest_name).string()),
                     std::nullopt,
                     "name another folder with -o",
                     {}};
    }
    SALVAGE_TRY(clear_unfinished(out, searches));
    return Carver{std::move(folder), options, show, runner, context}.run(searches);
}

} // namespace salvage::rescue
