// Carving.  The folder is described in docs/formats/carved.md.
#include "salvage/rescue/carve.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <functional>
#include <map>
#include <mutex>
#include <numeric>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "rescue/carve_places.hpp"
#include "rescue/out_folder.hpp"
#include "rescue/photorec.hpp"
#include "rescue/room_watch.hpp"
#include "rescue/unused_content.hpp"
#include "salvage/core/text.hpp"
#include "salvage/crypto/hash.hpp"
#include "salvage/io/output_file.hpp"
#include "salvage/io/pieces.hpp"
#include "salvage/io/sources.hpp"
#include "salvage/io/views.hpp"

namespace salvage::rescue {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::string_view work_name = ".salvage-carve.partial";
constexpr std::string_view manifest_name = "carved.jsonl";
constexpr std::string_view sums_name = "SHA256SUMS";
// Of the state file: results are being put in their place; they all are.
constexpr std::string_view placing = "placing";
constexpr std::string_view finished = "finished";
constexpr std::uint64_t least_block = 512;
constexpr std::uint64_t largest_block = 4096;

Result<> make_folder(const fs::path& path)
{
    std::error_code problem;
    fs::create_directory(path, problem);
    return problem ? from_errno(problem.value(), "a folder cannot be made", path.string()) : Result<>{};
}

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

/// Tells how far another program has read, and what it could not read: it takes every error for a bad sector.
class Watched final : public io::ByteSource {
public:
    Watched(io::SourcePtr source, RunContext context) : source_{std::move(source)}, context_{std::move(context)} {}
    [[nodiscard]] ByteCount size() const noexcept override { return source_->size(); }
    Result<> read_at(ByteOffset at, std::span<std::byte> into) const override
    {
        context_.progress->update(
            {.step = "carve", .unit = "bytes", .done = at.value + into.size(), .total = source_->size().value});
        auto done = source_->read_at(at, into);
        if (!done.has_value()) {
            const std::scoped_lock lock{mutex_};
            // Lost bytes are no reason to end; any other error is told rather than them.
            if (!error_ || error_->code == ErrorCode::unreadable) {
                error_ = done.error();
            }
        }
        return done;
    }
    Result<std::vector<io::Extent>> extents(ByteRange range) const override { return source_->extents(range); }
    [[nodiscard]] Location locate(ByteOffset at) const override { return source_->locate(at); }
    [[nodiscard]] std::optional<Error> error() const
    {
        const std::scoped_lock lock{mutex_};
        return error_;
    }

private:
    io::SourcePtr source_;
    RunContext context_;
    mutable std::mutex mutex_;
    mutable std::optional<Error> error_;
};

struct HashedFile {
    ByteCount size;
    std::string sha256;
    std::int64_t mtime{}; ///< nanoseconds: PhotoRec sets it where the file tells (EXIF)
};

Result<HashedFile> hash_file(const fs::path& path, const RunContext& context)
{
    const auto file = SALVAGE_TRY(io::open_file(path));
    crypto::Sha256 hash;
    SALVAGE_TRY(io::for_each_piece(*file, [&](ByteOffset /*at*/, ByteView part) -> Result<> {
        hash.update(part);
        return context.is_stopped() ? Result<>{cancelled("hashing carved files")} : Result<>{};
    }));
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0) {
        return from_errno(errno, "a carved file cannot be looked at", path.string());
    }
    constexpr std::int64_t second = 1'000'000'000;
    return HashedFile{.size = file->size(),
                      .sha256 = to_hex(hash.finish()),
                      .mtime = status.st_mtim.tv_sec * second + status.st_mtim.tv_nsec};
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
        SALVAGE_TRY(begin(searches));
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

private:
    [[nodiscard]] fs::path work() const { return folder_.path() / work_name; }
    [[nodiscard]] fs::path shown_in(const CarveSearch& search) const { return work() / (".image-" + search.name); }

    Result<> begin(const std::vector<CarveSearch>& searches) const
    {
        for (const auto& search : searches) {
            SALVAGE_TRY(detach_dead_mount(shown_in(search) / "mounted"));
        }
        std::error_code problem;
        fs::remove_all(work(), problem);
        if (problem) {
            return from_errno(problem.value(), "what an interrupted carving left cannot be removed", work().string())
                .with_hint("end the photorec that works there, unmount what is below it (fusermount3 -u …/mounted), "
                           "and do the same again");
        }
        return make_folder(work());
    }

    /// Whoever was killed while it mounted leaves a mount that nobody serves.
    Result<> detach_dead_mount(const fs::path& at) const
    {
        std::error_code problem;
        if (!fs::exists(at, problem) && problem == std::errc::not_connected) {
            SALVAGE_TRY(runner_->run({"fusermount3", "-u", "-z", at.string()}, *context_));
        }
        return {};
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
                        .by_ending = {},
                        .incomplete = {}};
        SALVAGE_TRY(make_folder(work() / search.name));
        if (!content.areas.empty()) {
            SALVAGE_TRY(carve_areas(search, content.areas, part));
        }
        return part;
    }

    Result<> carve_areas(const CarveSearch& search, const std::vector<ByteRange>& areas, CarvedPart& part)
    {
        const auto engine = work() / (".photorec-" + search.name);
        const auto shown = shown_in(search);
        SALVAGE_TRY(make_folder(engine));
        SALVAGE_TRY(make_folder(shown));
        const auto watched =
            std::make_shared<Watched>(SALVAGE_TRY(io::make_gathered(search.source, areas, "unused areas")), *context_);
        const auto found = SALVAGE_TRY(search_by_photorec(watched, engine, shown, block_of(areas)));
        part.incomplete = found.incomplete;
        if (const auto error = watched->error()) {
            if (error->code != ErrorCode::unreadable) {
                return Error{*error}.in("reading the unused areas for PhotoRec");
            }
            part.incomplete.emplace_back("PhotoRec asked for bytes that could not be read");
        }
        SALVAGE_TRY(take(search, AreaMap{areas}, found.files, part));
        std::error_code problem; // what stays goes with the folder of the work
        fs::remove_all(engine, problem);
        fs::remove_all(shown, problem);
        return {};
    }

    Result<PhotorecResult> search_by_photorec(const io::SourcePtr& image, const fs::path& engine,
                                              const fs::path& shown_in, ByteCount block)
    {
        const auto shown = SALVAGE_TRY((*show_)(image, shown_in, *context_));
        const RoomWatch room{engine, *context_};
        auto found = run_photorec({.image = shown->path(),
                                   .folder = fs::absolute(engine),
                                   .families = families_of(*options_),
                                   .block = block},
                                  *runner_, room.context());
        if (room.is_full()) {
            return Error{ErrorCode::no_space,
                         "the medium is nearly full: the carving was stopped",
                         folder_.path().string(),
                         std::nullopt,
                         "make room, or look for less with --kind, and do the same again",
                         {}};
        }
        return found;
    }

    Result<> take(const CarveSearch& search, const AreaMap& map, const std::vector<PhotorecFile>& found,
                  CarvedPart& part)
    {
        Names taken;
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
    Result<> make_whole(const std::vector<CarveSearch>& searches)
    {
        if (::syncfs(folder_.descriptor()) != 0) {
            return from_errno(errno, "carved files cannot be brought onto the medium", folder_.path().string());
        }
        folder_.state()[placing] = true;
        SALVAGE_TRY(folder_.save_state());
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
        if (::fsync(folder_.descriptor()) != 0) {
            return from_errno(errno, "carved files cannot be brought onto the medium", folder_.path().string());
        }
        folder_.state().erase(placing);
        folder_.state()[finished] = true;
        SALVAGE_TRY(folder_.save_state());
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

/// What an earlier run left when it was killed while it put its results in their place; what it did not put there is
/// somebody else's.
Result<> clear_unfinished(const fs::path& out, const std::vector<CarveSearch>& searches, bool was_placing)
{
    std::vector<fs::path> names{sums_name};
    for (const auto& search : searches) {
        names.emplace_back(search.name);
    }
    for (const auto& name : names) {
        std::error_code problem;
        if (!was_placing && fs::exists(fs::symlink_status(out / name, problem))) {
            return Error{
                ErrorCode::already_exists,
                fmt::format("{} is there, and no carving of ours put it there", printable((out / name).string())),
                {},
                std::nullopt,
                "move it away, or name another folder with -o",
                {}};
        }
        fs::remove_all(out / name, problem);
        if (problem) {
            return from_errno(problem.value(), "what an unfinished run left cannot be removed", (out / name).string());
        }
    }
    return {};
}

} // namespace

Result<std::unique_ptr<ShownSource>> show_as_copy(const io::SourcePtr& source, const fs::path& folder,
                                                  const RunContext& context)
{
    const auto path = folder / "unused.img";
    auto file = SALVAGE_TRY(io::OutputFile::create(path));
    SALVAGE_TRY(file.set_size(source->size()));
    SALVAGE_TRY(io::for_each_piece(*source, [&](ByteOffset at, ByteView part) -> Result<> {
        if (context.is_stopped()) {
            return cancelled("copying unused areas for PhotoRec");
        }
        auto written = file.write_sparse_at(at, part);
        return written.has_value() ? Result<>{}
                                   : Result<>{with_need(std::move(written).error(),
                                                        ByteCount{source->size().value - at.value}, folder)};
    }));
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
    std::error_code problem;
    if (folder.state().contains(finished) || fs::exists(out / manifest_name, problem)) {
        return Error{ErrorCode::already_exists,
                     "this folder has been carved into already",
                     fmt::format("its results are in {}", printable((out / manifest_name).string())),
                     std::nullopt,
                     "name another folder with -o",
                     {}};
    }
    SALVAGE_TRY(clear_unfinished(out, searches, folder.state().contains(placing)));
    return Carver{std::move(folder), options, show, runner, context}.run(searches);
}

} // namespace salvage::rescue
