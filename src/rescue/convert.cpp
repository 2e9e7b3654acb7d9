// One pass through a dump: read, hash, pack, write; then, where asked for, once more through what was written.
#include "salvage/rescue/convert.hpp"

#include <algorithm>
#include <array>
#include <thread>
#include <utility>

#include <sys/stat.h>

#include <fmt/format.h>

#include "rescue/convert_sinks.hpp"
#include "rescue/out_folder.hpp"
#include "rescue/pieces.hpp"
#include "salvage/core/text.hpp"
#include "salvage/io/ddrescue_map.hpp"
#include "salvage/io/output_file.hpp"
#include "salvage/io/sources.hpp"

namespace salvage::rescue {
namespace {

namespace fs = std::filesystem;

// As for decryption: more buffers than a disk keeps up with are of no use.
constexpr unsigned max_workers = 12;

struct NamedFormat {
    ConvertFormat format;
    std::string_view name;
};
constexpr std::array formats{
    NamedFormat{.format = ConvertFormat::raw, .name = "raw"},
    NamedFormat{.format = ConvertFormat::split, .name = "split"},
    NamedFormat{.format = ConvertFormat::android_sparse, .name = "sparse"},
    NamedFormat{.format = ConvertFormat::e01, .name = "e01"},
    NamedFormat{.format = ConvertFormat::zstd_seekable, .name = "zst"},
};

fs::path beside(const fs::path& first, std::string_view ending)
{
    auto out = first;
    out += ending;
    return out;
}

Result<> check_is_free(const fs::path& path)
{
    std::error_code problem;
    if (!fs::exists(fs::symlink_status(path, problem))) {
        return {};
    }
    return Error{ErrorCode::already_exists,
                 fmt::format("{} exists", printable(path.string())),
                 "it is written beside the image, and nothing is ever overwritten",
                 std::nullopt,
                 "move it away, or name another file with -o",
                 {}};
}

ByteCount allocated(const std::vector<fs::path>& files)
{
    ByteCount out;
    for (const auto& path : files) {
        struct stat status{};
        if (::stat(path.c_str(), &status) == 0) {
            out = out + ByteCount{static_cast<std::uint64_t>(status.st_blocks) * 512};
        }
    }
    return out;
}

struct Passed {
    ContentDigests digests;
    std::vector<ByteRange> lost;
};

/// Reads all of a source once, through a sink.
class Pass {
public:
    Pass(const io::ByteSource& source, ImageSink& sink, HashChoice hashes, std::string_view step,
         const RunContext& context)
        : source_{&source}, sink_{&sink}, hashes_{hashes}, step_{step}, context_{&context}
    {
    }

    Result<Passed> run(unsigned workers)
    {
        const auto wanted = workers != 0 ? workers : std::max(std::thread::hardware_concurrency(), 1U);
        const auto total = source_->size().value;
        const auto count = (total + chunk_bytes - 1) / chunk_bytes;
        ChunkPipeline pipeline{count, std::clamp(wanted, 1U, max_workers),
                               [this](std::uint64_t number, Chunk& chunk) { return make(number, chunk); }};
        // The hashes let go of the pipeline's buffers before it ends, however this returns.
        const auto let_go = std::unique_ptr<ContentHashes, void (*)(ContentHashes*)>{
            &hashes_, [](ContentHashes* hashes) { hashes->wait(); }};
        for (std::uint64_t number = 0; number < count; ++number) {
            if (context_->is_stopped()) {
                return cancelled(step_);
            }
            const auto chunk = SALVAGE_TRY(pipeline.next());
            losses_.add(chunk.extents);
            hashes_.update(chunk.buffer, chunk.count);
            SALVAGE_TRY(sink_->append(number, chunk));
            context_->progress->update(
                {.step = step_, .unit = "bytes", .done = std::min((number + 1) * chunk_bytes, total), .total = total});
        }
        return Passed{.digests = hashes_.finish(), .lost = losses_.ranges()};
    }

private:
    Result<> make(std::uint64_t number, Chunk& chunk)
    {
        const ByteOffset start{number * chunk_bytes};
        const ByteOffset end{std::min(start.value + chunk_bytes, source_->size().value)};
        const auto range = ByteRange::between(start, end);
        chunk.count = static_cast<std::size_t>(range.size().value);
        const auto bytes = std::span{*chunk.buffer}.first(chunk.count);
        chunk.extents =
            SALVAGE_TRY(read_what_is_there(*source_, range, bytes, Tolerate::unreadable).in("reading the dump"));
        return sink_->prepare(number, chunk);
    }

    const io::ByteSource* source_;
    ImageSink* sink_;
    ContentHashes hashes_;
    std::string_view step_;
    const RunContext* context_;
    Losses losses_;
};

Result<ConvertReport> report_of(const Dump& dump)
{
    ConvertReport out;
    out.source = dump.path;
    out.source_container = dump.container;
    out.size = dump.source->size();
    if (dump.container == "e01") {
        out.e01 = std::move(SALVAGE_TRY(io::open_e01(dump.path))).info;
    }
    return out;
}

void take_digests(ConvertReport& report, Passed passed)
{
    const auto& digests = passed.digests;
    report.sha256 = digests.sha256 ? to_hex(*digests.sha256) : std::string{};
    report.md5 = digests.md5 ? to_hex(*digests.md5) : std::string{};
    report.sha1 = digests.sha1 ? to_hex(*digests.sha1) : std::string{};
    report.lost = std::move(passed.lost);
    if (digests.md5 && report.e01 && report.e01->md5) {
        report.stored.push_back({.kind = "MD5", .stored = to_hex(*report.e01->md5), .computed = report.md5});
    }
    if (digests.sha1 && report.e01 && report.e01->sha1) {
        report.stored.push_back({.kind = "SHA-1", .stored = to_hex(*report.e01->sha1), .computed = report.sha1});
    }
}

Result<HashChoice> hashes_for(const ConvertReport& source, const ConvertOptions& options)
{
    const bool is_e01 = options.format == ConvertFormat::e01;
    if (options.hashes == E01Hashes::md5) {
        if (!is_e01) {
            return invalid_argument("only an E01 can do with MD5 alone",
                                    fmt::format("the format is {}", to_string(options.format)),
                                    "write an E01, or leave --hash out");
        }
        return HashChoice{.sha256 = false, .md5 = true};
    }
    const bool has_old = is_e01 || source.e01.has_value();
    return HashChoice{.md5 = has_old, .sha1 = has_old};
}

/// Beside the image, where open_dump looks for it.
Result<> write_map(const fs::path& path, const ConvertReport& report)
{
    io::RescueMap map{report.size};
    map.set(ByteRange::first(report.size), io::BlockStatus::finished);
    for (const auto& range : report.lost) {
        map.set(range, io::BlockStatus::bad);
    }
    const auto text = io::to_mapfile(map, {.position = ByteOffset{0}, .status = '+'},
                                     fmt::format("Areas of {} that could not be read", printable(report.source)));
    return io::write_file_atomically(path, as_bytes(text), io::Existing::refuse);
}

Result<> read_back(const fs::path& first, const ConvertReport& written, const RunContext& context)
{
    const auto source = SALVAGE_TRY(io::open_any(first).in("reading back what was written"));
    const auto sink = make_no_sink();
    const bool is_md5 = written.sha256.empty();
    const auto& name = is_md5 ? "MD5" : "SHA-256";
    const auto& wanted = is_md5 ? written.md5 : written.sha256;
    const auto passed =
        SALVAGE_TRY(Pass(*source, *sink, {.sha256 = !is_md5, .md5 = is_md5}, "read-back", context).run(0));
    const auto found = is_md5 ? to_hex(passed.digests.md5.value()) : to_hex(passed.digests.sha256.value());
    if (source->size() != written.size || found != wanted) {
        return Error{ErrorCode::mismatch,
                     fmt::format("{} does not hold what was written to it", printable(first.string())),
                     fmt::format("{} {} was written, {} is read back", name, wanted, found),
                     std::nullopt,
                     "do not trust the medium; convert again onto another one",
                     {}};
    }
    return {};
}

} // namespace

std::string_view to_string(ConvertFormat format) noexcept
{
    const auto* const found = std::ranges::find(formats, format, &NamedFormat::format);
    return found == formats.end() ? std::string_view{} : found->name;
}

std::optional<ConvertFormat> convert_format_from(std::string_view name) noexcept
{
    const auto* const found = std::ranges::find(formats, name, &NamedFormat::name);
    return found == formats.end() ? std::nullopt : std::optional{found->format};
}

ConvertFormat convert_format_of(const fs::path& out)
{
    const auto extension = out.extension();
    if (extension == ".E01") {
        return ConvertFormat::e01;
    }
    if (extension == ".zst") {
        return ConvertFormat::zstd_seekable;
    }
    if (extension == ".simg" || extension == ".sparse") {
        return ConvertFormat::android_sparse;
    }
    return extension == ".001" ? ConvertFormat::split : ConvertFormat::raw;
}

bool ConvertReport::agrees() const noexcept
{
    return std::ranges::all_of(stored, &StoredHash::agrees);
}

Result<ConvertReport> convert(const Dump& dump, const fs::path& out, const ConvertOptions& options,
                              const RunContext& context)
{
    auto report = SALVAGE_TRY(report_of(dump));
    const auto hashes = SALVAGE_TRY(hashes_for(report, options));
    const auto first = first_file_of(out, options.format);
    const auto map = beside(first, ".map");
    const auto sums = beside(first, ".sha256");
    SALVAGE_TRY(check_is_free(map));
    SALVAGE_TRY(check_is_free(sums));
    const auto sink = SALVAGE_TRY(make_sink(first, report.size, options));
    auto passed = SALVAGE_TRY(Pass(*dump.source, *sink, hashes, "convert", context).run(options.workers));
    report.format = to_string(options.format);
    take_digests(report, passed);
    if (!report.lost.empty()) {
        SALVAGE_TRY(write_map(map, report)); // before the image: an image without its map looks sound
        report.map = map.string();
    }
    const auto files = SALVAGE_TRY(sink->commit(passed.digests, report.lost));
    for (const auto& path : files) {
        report.files.push_back(path.string());
    }
    report.written = allocated(files);
    if (hashes.sha256) {
        const auto name = options.format == ConvertFormat::raw ? first.filename().string() : std::string{"-"};
        SALVAGE_TRY(io::write_file_atomically(sums, as_bytes(sums_line(report.sha256, name)), io::Existing::refuse));
        report.sums = sums.string();
    }
    if (options.read_back == ReadAgain::yes) {
        SALVAGE_TRY(read_back(first, report, context));
        report.is_read_back = true;
    }
    return report;
}

Result<ConvertReport> check_stored_hashes(const Dump& dump, const RunContext& context)
{
    auto report = SALVAGE_TRY(report_of(dump));
    const auto sink = make_no_sink();
    const bool has_old = report.e01.has_value();
    take_digests(report,
                 SALVAGE_TRY(Pass(*dump.source, *sink, {.md5 = has_old, .sha1 = has_old}, "check", context).run(0)));
    return report;
}

} // namespace salvage::rescue
